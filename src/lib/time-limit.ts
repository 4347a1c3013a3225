import { Script } from 'node:vm'

/** The work took longer than it may. */
export class TimeLimitExceeded extends Error {}

const name = '__signalboxLimitedWork'
const script = new Script(`globalThis.${name}()`)

/**
 * Does work that doesn't wait for anything, and stops it in the middle when it takes longer than `limitMs`. For work
 * whose cost somebody else decides; about 0.1 ms each. @throws {TimeLimitExceeded}
 */
export function withTimeLimit<Result>(limitMs: number, work: () => Result): Result {
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
