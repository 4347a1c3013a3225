import { url as inspectorUrl } from 'node:inspector'
import { Worker } from 'node:worker_threads'
import { beatsIn, type WatchdogData } from './heartbeat.ts'

/** In how many equal parts of its time the thread looks for a beat; all have to be without one. */
const checks = 10

export interface WatchdogOptions {
  /** How long the event loop may stand still, in milliseconds; 0: for ever. */
  readonly timeoutMs: number
  /** Undefined: nothing is logged. */
  readonly logFormat: 'json' | 'pretty' | undefined
  /** The thread itself has failed, so nothing watches any more. */
  readonly onError: (error: unknown) => void
}

/**
 * Watches the event loop from a thread of its own: once it has stood still for the time given, the thread logs where,
 * and kills the process (SIGKILL), since a blocked loop can't even be asked to stop. Only time in which the thread runs
 * counts, so a process that was suspended goes on when it wakes. While a debugger is attached nothing is done.
 */
export function startWatchdog({ timeoutMs, logFormat, onError }: WatchdogOptions): void {
  if (timeoutMs === 0) return
  const data: WatchdogData = {
    shared: new SharedArrayBuffer(beatsIn.bytes),
    checkMs: Math.ceil(timeoutMs / checks),
    checks,
    logFormat,
  }
  const beats = new Int32Array(data.shared)
  const beat = () => {
    Atomics.add(beats, beatsIn.count, 1)
    Atomics.store(beats, beatsIn.isDebugged, inspectorUrl() === undefined ? 0 : 1)
  }
  beat()
  setInterval(beat, Math.ceil(data.checkMs / 2)).unref()
  const thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: data, execArgv: [] })
  thread.on('error', onError)
  thread.unref()
}
