import { Script } from 'node:vm'

/** The work took longer than it may. */
export class TimeLimitExceeded extends Error {}

/** A limit is extended by so much at most, for work that got little of the processor. */
const maxExtension = 20
const maxTries = 3

/**
 * As {@link withTimeLimit}, by the time that this thread computes: work that got too little of the processor to reach its
 * limit is begun again, with more time. For work that may be done twice. @throws {TimeLimitExceeded}
 */
export function withComputingLimit<Result>(limitMs: number, work: () => Result): Result {
  let allowedMs = limitMs
  for (let tried = 1; ; tried += 1) {
    const before = process.threadCpuUsage()
    try {
      return withTimeLimit(Math.ceil(allowedMs), work)
    } catch (error) {
      const { user, system } = process.threadCpuUsage(before)
      const computedMs = (user + system) / 1_000
      // A little of a limit is always lost.
      if (!(error instanceof TimeLimitExceeded) || computedMs > limitMs / 2 || tried === maxTries) throw error
      allowedMs = limitMs * Math.min(maxExtension, (2 * allowedMs) / Math.max(computedMs, 1))
    }
  }
}

const name = '__signalboxLimitedWork'
const script = new Script(`globalThis.${name}()`)

/**
 * Does work that doesn't wait for anything, and stops it in the middle when it takes longer than `limitMs`. For work
 * whose cost somebody else decides; about 0.1 ms each. @throws {TimeLimitExceeded}
 */
function withTimeLimit<Result>(limitMs: number, work: () => Result): Result {
  let result: Result | undefined
  const scope = globalThis as { [name]?: (() => void) | undefined }
  scope[name] = () => {
    result = work()
  }
  try {
    script.runInThisContext({ timeout: limitMs })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new TimeLimitExceeded()
    throw error
  } finally {
    scope[name] = undefined
  }
  return result as Result
}
