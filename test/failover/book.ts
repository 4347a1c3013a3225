import { readFileSync } from 'node:fs'

/** One run of an attempt's program, as it wrote it down itself. */
export interface Run {
  readonly id: string
  readonly attempt: number
  readonly startedAt: number
  /** Undefined: it runs, or was killed. */
  endedAt: number | undefined
  /** Whether it was stopped before its end; `reason` is known where it ran within the server. */
  stopped: { readonly reason: string | undefined } | undefined
}

interface Line {
  readonly run: string
  readonly id: string
  readonly attempt: number
  readonly at: number
  readonly what: 'start' | 'end' | 'stop'
  readonly reason?: string
}

/** Reads what tasks wrote down, in the order of their starts. */
export function readBook(file: string): Run[] {
  const runs = new Map<string, Run>()
  for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
    const { run, id, attempt, at, what, reason } = JSON.parse(line) as Line
    if (what === 'start') runs.set(run, { id, attempt, startedAt: at, endedAt: undefined, stopped: undefined })
    const known = runs.get(run)
    if (what === 'start' || known === undefined) continue
    known.endedAt = at
    if (what === 'stop') known.stopped = { reason }
  }
  return [...runs.values()]
}

/** Runs of one task that were there at the same time, and for how long. */
export function findDoubles(runs: readonly Run[]): { readonly first: Run; readonly ms: number }[] {
  return runs.flatMap((first, index) => {
    const next = runs[index + 1]
    if (next === undefined || (first.endedAt ?? Number.POSITIVE_INFINITY) <= next.startedAt) return []
    return [{ first, ms: (first.endedAt ?? Number.POSITIVE_INFINITY) - next.startedAt }]
  })
}
