import { PermanentFailure } from '#domain/tasks/task-type.ts'
import type { Git } from './git.ts'

/** What git takes for the name of a branch or tag (git-check-ref-format(1)), and with that also for a commit id. */
export const refName = /^(?![-/.]|@$|[\s\S]*(?:\.\.|\/[/.]|@\{|\.lock(?:\/|$)))[^\0-\x20\x7f~^:?*[\\]+(?<![/.])$/

/** Refs of a repository by their full names, such as `refs/heads/main`. */
export interface RefList {
  readonly refs: ReadonlySet<string>
  /** The ref that HEAD stands for; null when it is none. */
  readonly head: string | null
}

/** A ref as it was found. */
export interface FoundRef {
  /** Its full name, or a commit's id. */
  readonly name: string
  /** As people call it: what was asked for, or the branch at HEAD; null when HEAD is at no branch. */
  readonly shown: string | null
}

/**
 * Finds what is meant by a branch, a tag or a commit's id, or by none: HEAD. `list` gives those of the named refs that
 * there are; a name may end in `/*`. @throws {PermanentFailure} when there is no such ref.
 */
export async function findRef(
  list: (names: readonly string[]) => Promise<RefList>,
  ref: string | undefined,
): Promise<FoundRef> {
  if (ref !== undefined && isCommitId(ref)) return { name: ref, shown: ref }
  const names = ref === undefined ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]
  const listed = await list(names)
  const name = names.find((candidate) => listed.refs.has(candidate))
  if (name !== undefined) return { name, shown: ref ?? listed.head?.replace(/^refs\/heads\//, '') ?? null }
  if ((await list(['refs/heads/*'])).refs.size === 0)
    throw new PermanentFailure('The repository is empty: it has no commit yet.', 'EMPTY_REPOSITORY')
  const what = ref === undefined ? 'no commit at its HEAD; name a ref' : `no branch or tag "${ref}"`
  throw new PermanentFailure(`The repository has ${what}.`, 'REF_NOT_FOUND')
}

/** Whether a ref is the id of a commit, by SHA-1 or SHA-256. */
export function isCommitId(ref: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(ref)
}

/** The id of the commit that a ref leads to. @throws {PermanentFailure} when it leads to none. */
export async function commitOf(git: Git, name: string): Promise<string> {
  const commit = await git.find(['rev-parse', '--verify', '--quiet', `${name}^{commit}`])
  if (commit === undefined) throw new PermanentFailure('The ref names something that is not a commit.', 'REF_NOT_FOUND')
  return commit
}
