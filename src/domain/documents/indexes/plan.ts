import type { WantedIndex } from './declared-index.ts'
import type { BuiltIndex, IndexFailure } from './store.ts'

export interface IndexPlan {
  /** Names of what nobody wants any more, and of what was never finished. */
  readonly drop: readonly string[]
  readonly create: readonly WantedIndex[]
  /** Names of all that is wanted and isn't there, whether it is tried now or later. */
  readonly missing: readonly string[]
}

/** After a failure an index is tried again, but not at once. */
const retryMs = 10 * 60 * 1000

/** What has to be done so that there are the indexes that are wanted, and no others. */
export function planIndexes(
  wanted: readonly WantedIndex[],
  built: readonly BuiltIndex[],
  failures: readonly IndexFailure[],
  now: Date,
): IndexPlan {
  const names = new Set(wanted.map(({ name }) => name))
  const valid = new Set(built.filter(({ isValid }) => isValid).map(({ name }) => name))
  const isResting = ({ name }: { name: string }) =>
    failures.some((failure) => failure.name === name && failure.at.getTime() > now.getTime() - retryMs)
  return {
    drop: built.filter((one) => !names.has(one.name) || (!one.isValid && !isResting(one))).map(({ name }) => name),
    missing: wanted.map(({ name }) => name).filter((name) => !valid.has(name)),
    create: wanted.filter((one) => !valid.has(one.name) && !isResting(one)),
  }
}
