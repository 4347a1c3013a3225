import type { Attempt, AttemptEnd } from './task.ts'

/** Where a running attempt's output goes. Implementations keep order, and bound what they hold. */
export interface AttemptOutput {
  progress(percent: number, step?: string): void
  step(name: string): void
  /** One line without its line end. */
  log(line: string): void
  /** Writes one part; resolves when it can be read. The writer must be closed. */
  openPart(name: string, contentType: string): Promise<PartWriter>
  /** Keeps JSON for the next attempt, in the place of what was kept before; resolves when it is kept. */
  checkpoint(json: string): Promise<void>
  /** Resolves when more log lines are welcome; a runner waits for it before it reads on, so that a flood is held back. */
  drained(): Promise<void>
}

export interface PartWriter {
  write(chunk: Uint8Array): Promise<void>
  close(): Promise<void>
  /** Drops what was written; instead of `close`, when the attempt ended in the middle. */
  abort?(): Promise<void>
}

/**
 * Answers requests that attempts of one task type send while they run. It runs in the server's process, with its
 * services. `signal` aborts when the attempt is stopped. What it throws, the attempt gets as an error with that message.
 */
export type RequestHandler = (request: unknown, attempt: Attempt, signal: AbortSignal) => Promise<unknown>

/** Executes attempts. */
export interface Runner {
  /**
   * Executes one attempt and returns how it ended; never throws. When it returns, nothing of the attempt is left:
   * no process, no file. `stop` aborts with a `StopReason` as `signal.reason`; the end is then `stopped`, unless the
   * attempt had ended before.
   */
  run(attempt: Attempt, output: AttemptOutput, stop: AbortSignal): Promise<AttemptEnd>
  /** Ends what an earlier process of this installation left behind after it died: processes and workspaces. */
  sweep(): Promise<void>
  /** From now on, some processes are started before attempts need them. */
  prepare(): void
  /** Ends those that wait for attempts. */
  close(): Promise<void>
}
