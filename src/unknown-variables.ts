import { nearest } from '#lib/nearest.ts'

/** Variables with our prefix that something else than the server's configuration reads. */
const otherVariables = ['SIGNALBOX_URL', 'SIGNALBOX_TOKEN', 'SIGNALBOX_ID_TOKEN']
/** What tasks and commands under locks find; a server that one of them starts has them, too. */
const givenToPrograms = ['ATTEMPT', 'FENCE', 'LOCK', 'MARKER', 'RESULT', 'TASK_ID', 'WORKSPACE']

const prefix = 'SIGNALBOX_'

/**
 * What is probably wrong with the names of variables, a sentence each: those with our prefix that nothing reads, and near
 * misses of known ones, such as `WORKER_SLOT`. Short names are left alone: they are common.
 */
export function unknownVariables(names: readonly string[], known: readonly string[]): string[] {
  const allowed = new Set([...known, ...otherVariables, ...givenToPrograms.map((name) => `${prefix}${name}`)])
  return names.filter((name) => !allowed.has(name)).flatMap((name) => warningOf(name, known) ?? [])
}

function warningOf(name: string, known: readonly string[]): string | undefined {
  if (name.startsWith(prefix)) {
    const meant = nearMiss(name, [...known, ...otherVariables]) ?? nearMiss(name.slice(prefix.length), known, 0)
    return `Nothing reads the variable ${name}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`
  }
  const meant = nearMiss(name, known)
  return meant && `Nothing reads the variable ${name}. Did you mean ${meant}?`
}

function nearMiss(name: string, known: readonly string[], limit = name.length < 10 ? 1 : 2): string | undefined {
  return name.includes('_') || limit === 0 ? nearest(name, known, limit) : undefined
}
