import { AsyncLocalStorage } from 'node:async_hooks'
import { relative } from 'node:path'
import { Readable, Writable } from 'node:stream'
import type { ServerCommands } from '#cli/server-commands.ts'
import { createOperatorCommands } from '#src/operator-commands.ts'
import { mainFile } from './process.ts'

/** What the command line has of its process: each run within this process gets its own. */
interface Terminal {
  readonly stdin: Readable
  readonly stdout: RecordedStream
  readonly stderr: RecordedStream
  readonly env: NodeJS.ProcessEnv
  exit(code: number): void
}

const terminals = new AsyncLocalStorage<Terminal>()

class RecordedStream extends Writable {
  readonly #chunks: Buffer[] = []

  get text(): string {
    return Buffer.concat(this.#chunks).toString()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(chunk)
    done()
  }
}

/** All that the program does except to serve, which ends its process. */
const serverCommands: ServerCommands = {
  ...createOperatorCommands(() => {}),
  serve: () => Promise.reject(new Error('A server needs a process of its own.')),
}

/** Runs the command line to its end within this process, which takes a tenth of what a process of its own does. */
export async function runWithin(
  args: readonly string[],
  { env, input }: { env: Readonly<Record<string, string>>; input: string },
) {
  const exited = Promise.withResolvers<number>()
  const stdout = new RecordedStream()
  const stderr = new RecordedStream()
  const stdin = Readable.from(input === '' ? [] : [Buffer.from(input)])
  redirectTerminal()
  const { run } = await import('#cli/run.ts')
  const invocation = relative(process.cwd(), mainFile)
  const own = { PATH: process.env['PATH'], ...env }
  const ended = terminals.run({ stdin, stdout, stderr, env: own, exit: exited.resolve }, () =>
    run(args, { env: own, invocation, server: serverCommands }),
  )
  const code = await Promise.race([exited.promise, ended])
  return { code, stdout: stdout.text, stderr: stderr.text }
}

class Exited extends Error {}

let exitProcess = process.exit

/** Ends only the run that asks for it. */
function exit(code?: number): never {
  const terminal = terminals.getStore()
  if (terminal === undefined) return exitProcess(code)
  terminal.exit(code ?? 0)
  throw new Exited()
}

let isRedirected = false

/** From now on, a run of the command line finds its own terminal in the place of this process's. */
function redirectTerminal(): void {
  if (process.exit !== exit) exitProcess = process.exit
  process.exit = exit as typeof process.exit
  if (isRedirected) return
  isRedirected = true
  for (const name of ['stdin', 'stdout', 'stderr', 'env'] as const) {
    const own = Object.getOwnPropertyDescriptor(process, name)
    const get = () => terminals.getStore()?.[name] ?? own?.get?.call(process) ?? own?.value
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get })
  }
}
