import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from './until.ts'

/** What a command has printed, standard error included. */
export interface CommandOutput {
  readonly output: string
  readonly exitCode: number
}

/** One bash for many commands, so that variables stay from one to the next. */
export class ShellSession {
  readonly #child: ChildProcess
  readonly #directory: string
  #output = ''
  #count = 0

  constructor({ directory, env }: { readonly directory: string; readonly env: Readonly<Record<string, string>> }) {
    this.#directory = directory
    this.#child = spawn('bash', ['--noprofile', '--norc'], {
      cwd: directory,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text
      })
    this.#write('exec 2>&1')
  }

  /** Runs a command to its end. */
  async run(command: string): Promise<CommandOutput> {
    this.#count += 1
    const mark = `--- end of command ${this.#count} ---`
    this.#output = ''
    this.#write(`{ ${command}\n} < /dev/null\nprintf '\\n%s %s\\n' '${mark}' $?`)
    await until(() => this.#isEnded || this.#output.includes(`\n${mark} `), 60_000)
    const [output = '', exitCode] = this.#output.split(`\n${mark} `)
    return { output, exitCode: Number(exitCode) }
  }

  /** Starts a command that runs until the session ends; returns a function that reads what it has printed so far. */
  start(command: string): () => Promise<string> {
    this.#count += 1
    const file = join(this.#directory, `background-${this.#count}.txt`)
    this.#write(`: > '${file}'\n{ ${command}\n} < /dev/null >> '${file}' 2>&1 &`)
    return () => readFile(file, 'utf8').catch(() => '')
  }

  /** Ends bash and everything that it has started. */
  async close(): Promise<void> {
    if (this.#isEnded) return
    const closed = once(this.#child, 'close')
    // A group of its own, so that what it has started in the background ends with it.
    process.kill(-(this.#child.pid ?? 0), 'SIGKILL')
    await closed
  }

  get #isEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  #write(text: string): void {
    this.#child.stdin?.write(`${text}\n`)
  }
}
