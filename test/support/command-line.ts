import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { runWithin } from './inner-command-line.ts'
import { mainFile } from './process.ts'
import { until } from './until.ts'

export interface Run {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** Waits until standard output, or the given stream, holds the text. */
  says(text: string, stream?: 'stdout' | 'stderr'): Promise<void>
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

export interface RunOptions {
  readonly env?: Record<string, string>
  readonly input?: string
  readonly cwd?: string
  /** What is started with the arguments in the place of the command line. */
  readonly program?: string
  /** Another user than this process's; only root may choose. */
  readonly uid?: number
  readonly gid?: number
}

/** Starts the command line as its own process, with nothing of this one's environment but the path. */
export function start(args: readonly string[], { env = {}, input = '', ...options }: RunOptions = {}): Run {
  const [file, own] = options.program === undefined ? [process.execPath, [mainFile]] : [options.program, []]
  const child = spawn(file, [...own, ...args], {
    cwd: options.cwd,
    uid: options.uid,
    gid: options.gid,
    env: { PATH: process.env['PATH'], ...env },
  })
  child.stdin.end(input)
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  return {
    child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    async says(text, stream = 'stdout') {
      await until(() => {
        if (texts[stream].includes(text)) return true
        if (child.exitCode !== null)
          throw new Error(`It ended without saying "${text}":\n${texts.stdout}${texts.stderr}`)
        return false
      })
    },
    ended: once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals | null),
  }
}

/** Commands that are about their process and the machine, or start programs that share their terminal. */
const processCommands = /^(serve|migrate|doctor|(doc|kv) edit|lock acquire)\b/

/** Runs the command line to its end, in a process of its own where it makes a difference. */
export async function run(args: readonly string[], options: RunOptions = {}) {
  const { env = {}, input = '', ...process } = options
  if (Object.keys(process).length === 0 && !processCommands.test(args.join(' '))) return runWithin(args, { env, input })
  return runProcess(args, options)
}

/** Runs the command line to its end in a process of its own, as its users do. */
async function runProcess(args: readonly string[], options?: RunOptions) {
  const started = start(args, options)
  const code = await started.ended
  return { code, stdout: started.stdout(), stderr: started.stderr() }
}

/** Lines of a stream of JSON documents. */
export function records<Row = Record<string, unknown>>(text: string): Row[] {
  return text
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row)
}
