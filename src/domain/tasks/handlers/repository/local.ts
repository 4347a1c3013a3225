import { writeFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { PermanentFailure, TaskFailure } from '#domain/tasks/task-type.ts'
import { copyRepository, sourceConfigName } from './copy.ts'
import type { Git } from './git.ts'
import { NotARepository, repositoryLayout } from './layout.ts'
import { type FoundRef, findRef, type RefList } from './refs.ts'
import { OutsideRoots, Roots } from './roots.ts'

/**
 * Copies a repository below the roots into the directory, so that git has to read nothing of the source itself.
 * @throws {PermanentFailure} when it is none that may be read.
 */
export async function copyLocalRepository(
  source: string,
  rootPaths: readonly string[],
  to: string,
  onProgress: (fraction: number) => void,
): Promise<void> {
  const roots = await Roots.of(rootPaths)
  const location = await locate(source, rootPaths, roots)
  try {
    await copyRepository(await repositoryLayout(location, roots), roots, to, onProgress)
  } catch (cause) {
    throw refusal(cause)
  }
}

async function locate(source: string, [firstRoot = '/']: readonly string[], roots: Roots): Promise<string> {
  try {
    if (source.includes('\0')) throw new OutsideRoots(source)
    await using directory = await roots.open(isAbsolute(source) ? source : resolve(firstRoot, source))
    if (directory.stats.isDirectory()) return directory.realPath
  } catch (error) {
    // One answer for what is missing and what is out of bounds: a caller must not learn what else the machine has.
    if (!(error instanceof OutsideRoots)) throw refusal(error)
  }
  throw new PermanentFailure(`The source "${source}" is not a directory below one of the roots.`, 'SOURCE_REFUSED')
}

function refusal(cause: unknown): unknown {
  if (cause instanceof NotARepository)
    return new PermanentFailure('The source is not a git repository.', 'NOT_A_REPOSITORY', { cause })
  if (cause instanceof OutsideRoots)
    return new PermanentFailure('The repository keeps its objects outside of the roots.', 'SOURCE_REFUSED', { cause })
  if (cause instanceof Error && 'code' in cause && (cause.code === 'EACCES' || cause.code === 'EPERM'))
    return new PermanentFailure('The server may not read all of the repository.', 'SOURCE_UNREADABLE', { cause })
  return cause
}

/** Of the source's configuration only what says how objects and refs are stored. */
const formats = { objectformat: /^sha(1|256)$/, refstorage: /^(files|reftable)$/ }

/** Makes the copy a repository that git understands, and finds the ref in it. @throws {PermanentFailure} */
export async function openLocalRepository(git: Git, ref: string | undefined): Promise<FoundRef> {
  const lines = ['[core]', '\trepositoryformatversion = 1', '\tbare = true', '[extensions]']
  for (const [name, pattern] of Object.entries(formats)) {
    const file = join(git.directory, sourceConfigName)
    const value = await git.find(['config', '--file', file, '--no-includes', '--get', `extensions.${name}`])
    if (value !== undefined && pattern.test(value)) lines.push(`\t${name} = ${value}`)
  }
  await writeFile(join(git.directory, 'config'), `${lines.join('\n')}\n`)
  return findRef((names) => listRefs(git, names), ref)
}

/** Turns git's failure on a partial clone into one that says so; others are thrown again. @throws always */
export function explainMissingObjects(git: Git): (cause: unknown) => Promise<never> {
  return async (cause) => {
    const isMissing = cause instanceof TaskFailure && cause.code === 'GIT_FAILED' && /\bobject\b/.test(cause.message)
    if (!isMissing || !(await isPartialClone(git))) throw cause
    throw new PermanentFailure(
      'The repository is a partial clone that lacks objects of this commit; clone it without --filter.',
      'OBJECTS_MISSING',
      { cause },
    )
  }
}

async function isPartialClone(git: Git): Promise<boolean> {
  const names = '^(extensions\\.partialclone|remote\\..*\\.(promisor|partialclonefilter))$'
  const file = join(git.directory, sourceConfigName)
  return (await git.find(['config', '--file', file, '--no-includes', '--get-regexp', names])) !== undefined
}

async function listRefs(git: Git, names: readonly string[]): Promise<RefList> {
  const patterns = names.map((name) => name.replace(/\*$/, ''))
  const listed = await git.text(['for-each-ref', '--format=%(refname)', '--', ...patterns])
  const refs = new Set(listed.split('\n').filter(Boolean))
  if (names.includes('HEAD') && (await git.find(['rev-parse', '--verify', '--quiet', 'HEAD'])) !== undefined)
    refs.add('HEAD')
  return { refs, head: (await git.find(['symbolic-ref', '--quiet', 'HEAD'])) ?? null }
}
