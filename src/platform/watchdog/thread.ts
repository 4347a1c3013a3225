import { writeSync } from 'node:fs'
import { Worker, workerData } from 'node:worker_threads'
import { beatsIn, type WatchdogData } from './heartbeat.ts'
import { mainThreadStack } from './main-thread-stack.ts'

/** How long it may take to find out where the event loop stands, and to write that down, in milliseconds. */
const stackMs = 2_000
const writeMs = 1_000

const { shared, checkMs, checks, logFormat } = workerData as WatchdogData
const beats = new Int32Array(shared)
let lastCount = -1
let missed = 0

const timer = setInterval(() => {
  const count = Atomics.load(beats, beatsIn.count)
  const isQuiet = count === lastCount && Atomics.load(beats, beatsIn.isDebugged) === 0
  missed = isQuiet ? missed + 1 : 0
  lastCount = count
  if (missed < checks) return
  clearInterval(timer)
  void end()
}, checkMs)

async function end(): Promise<void> {
  const stack = await mainThreadStack(stackMs)
  // The log may be a pipe that nobody reads, where writing would never return.
  const kill = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${writeMs})`
  new Worker(kill, { eval: true, execArgv: [] }).on('error', () => {})
  if (logFormat !== undefined) write(lineOf(stack))
  process.kill(process.pid, 'SIGKILL')
}

/** As the process's own log writes it. */
function lineOf(stack: readonly string[]): string {
  const now = new Date()
  const message = `the event loop has stood still for ${checkMs * checks} ms: the process is killed`
  if (logFormat === 'json') return JSON.stringify({ level: 'fatal', time: now.toISOString(), stack, msg: message })
  const clock = now.toTimeString().slice(0, 8)
  return `[${clock}.${String(now.getMilliseconds()).padStart(3, '0')}] FATAL: ${message} ${JSON.stringify({ stack })}`
}

function write(line: string): void {
  try {
    writeSync(1, `${line}\n`)
  } catch {
    // Nobody reads the log any more; the process ends all the same.
  }
}
