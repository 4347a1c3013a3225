import { errorMessage, StartupError } from '#lib/errors.ts'

/** What was found where somebody looked. */
export interface Finding {
  /** What was looked at. */
  readonly check: string
  readonly status: 'ok' | 'warning' | 'problem'
  readonly message: string
  /** What to do about it. */
  readonly advice?: string
}

/** Looks at one thing; returns what it has found, or throws why that is a problem. */
export type Look = () => Promise<Omit<Finding, 'check'>>

/** The longest that one check may take, in milliseconds. */
const checkLimitMs = 5_000

export function ok(message: string): Omit<Finding, 'check'> {
  return { status: 'ok', message }
}

export function warning(message: string, advice?: string): Omit<Finding, 'check'> {
  return { status: 'warning', message, ...(advice !== undefined && { advice }) }
}

export function problem(message: string, advice?: string): Omit<Finding, 'check'> {
  return { status: 'problem', message, ...(advice !== undefined && { advice }) }
}

/** Looks, for five seconds at most; what it throws is the problem that it has found. */
export async function check(name: string, look: Look): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Omit<Finding, 'check'>>((resolve) => {
    timer = setTimeout(() => resolve(problem(`No answer within ${checkLimitMs / 1000} seconds.`)), checkLimitMs)
  })
  try {
    return { check: name, ...(await Promise.race([look(), late])) }
  } catch (error) {
    const said = errorMessage(error)
    return { check: name, ...problem(error instanceof StartupError ? said : `It cannot be checked: ${said}.`) }
  } finally {
    clearTimeout(timer)
  }
}
