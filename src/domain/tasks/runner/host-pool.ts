import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type ProcessTag, taggedCommand } from './process-tag.ts'
import { isRunning, signalGroup } from './process-tree.ts'

/** A process that is about to run one attempt. */
export interface StartedHost {
  readonly child: ChildProcess
  readonly tag: ProcessTag
}

export interface HostPoolOptions {
  /** A program that calls `hostAttempt`. */
  readonly program: URL
  readonly path: string
  readonly cacheDirectory: string
  readonly nextTag: () => ProcessTag
  /** How many processes wait for an attempt, once {@link HostPool.fill} was called. */
  readonly size: number
}

/** The attempt that takes a host has the CPU first. */
const refillMs = 50

/**
 * Variables that the system's or Node's libraries read when a process starts: a process that is running already would
 * ignore them.
 */
const readAtStart = /^(NODE|LD|DYLD|UV|LC|SSL|OPENSSL|MALLOC|GLIBC|ICU)_|^(LANG|LANGUAGE|TZ)$/

/** Also of one whose end Node has yet to hear of. */
function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  if (pid === undefined || exitCode !== null || signalCode !== null) return true
  return process.platform === 'linux' && !isRunning(pid)
}

/**
 * Starts the processes of attempts, a few of them before they are needed: each has loaded the program, knows nothing of
 * the attempt that it will get, and runs only that one. The variables of the attempt's type come with it.
 */
export class HostPool {
  readonly #options: HostPoolOptions
  readonly #waiting = new Set<StartedHost>()
  #isOpen = false
  #refilling: NodeJS.Timeout | undefined

  constructor(options: HostPoolOptions) {
    this.#options = options
  }

  /** Starts as many as are to wait, and keeps up that number from now on. */
  fill(): void {
    this.#isOpen = true
    this.#refill()
  }

  /** A host for an attempt with these variables: one that waits where there is one and it can take them, else a new one. */
  take(env: Readonly<Record<string, string>>): StartedHost {
    if (Object.keys(env).some((name) => readAtStart.test(name))) return this.#start(env)
    this.#refilling ??= setTimeout(() => this.#refill(), refillMs)
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting)
      if (!hasEnded(waiting.child)) return waiting
    }
    return this.#start(env)
  }

  /** Ends those that wait, and starts none any more but for attempts. */
  async close(): Promise<void> {
    this.#isOpen = false
    clearTimeout(this.#refilling)
    const ended = [...this.#waiting].map(({ child }) => once(child, 'exit').catch(() => undefined))
    for (const { child } of this.#waiting) if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    this.#waiting.clear()
    await Promise.all(ended)
  }

  #refill(): void {
    this.#refilling = undefined
    while (this.#isOpen && this.#waiting.size < this.#options.size) {
      const host = this.#start({})
      this.#waiting.add(host)
      // One that ends while it waits is not replaced before the next attempt: what ended it could go on for ever.
      const forget = () => this.#waiting.delete(host)
      host.child.once('exit', forget).once('error', forget)
    }
  }

  #start(env: Readonly<Record<string, string>>): StartedHost {
    const { program, path, cacheDirectory, nextTag } = this.#options
    const tag = nextTag()
    const [command = '', ...args] = taggedCommand(tag, [process.execPath, fileURLToPath(program), String(tag)])
    const child = spawn(command, args, {
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: {
        PATH: path,
        ...env,
        // Set here, and not by the host itself, since its very first file would else be compiled each time (90 ms).
        NODE_COMPILE_CACHE: cacheDirectory,
      },
    })
    return { child, tag }
  }
}
