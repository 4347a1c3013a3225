import type { TaskContext } from '#domain/tasks/task-type.ts'
import { PermanentFailure } from '#domain/tasks/task-type.ts'
import type { Git } from './git.ts'
import type { RepositorySource } from './source.ts'

/** A commit of a source, with all that it needs, in a repository of our own. */
export interface FetchedRepository {
  readonly directory: string
  readonly commit: string
  /** The branch, tag or commit that was asked for, or the source's default branch; null when its HEAD names none. */
  readonly ref: string | null
}

/** At most this percentage of the whole when everything is fetched. */
export const fetchedPercent = 60

/** Fetches one ref of a source, telling git's own phases. @throws {PermanentFailure} when the source hasn't that ref. */
export async function fetchRepository(
  git: Git,
  source: RepositorySource,
  ref: string | undefined,
  context: TaskContext,
): Promise<FetchedRepository> {
  const directory = `${context.workspace}/repository.git`
  const { settings, location } = source
  const wanted = await findRef(git, source, ref)
  await git.text(['init', '--quiet', '--bare', directory])
  await git.text(
    [
      '-C',
      directory,
      'fetch',
      '--progress',
      '--no-tags',
      '--no-write-fetch-head',
      '--update-shallow',
      '--',
      location,
      `+${wanted.name}:refs/inspected`,
    ],
    { settings, onMessage: phaseReporter(context) },
  )
  return { directory, commit: await commitOf(git, directory), ref: wanted.shown }
}

interface WantedRef {
  /** What git fetches. */
  readonly name: string
  readonly shown: string | null
}

async function findRef(git: Git, source: RepositorySource, ref: string | undefined): Promise<WantedRef> {
  if (ref !== undefined && /^[0-9a-f]{40}$/.test(ref)) return { name: ref, shown: ref }
  const names = ref === undefined ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}`, ref]
  const listed = await listRefs(git, source, names)
  const name = names.find((candidate) => listed.refs.has(candidate))
  if (name !== undefined) return { name, shown: ref ?? listed.head }
  const branches = await listRefs(git, source, ['refs/heads/*'])
  if (branches.refs.size === 0)
    throw new PermanentFailure('The repository is empty: it has no commit yet.', 'EMPTY_REPOSITORY')
  const what = ref === undefined ? 'no commit at its HEAD; name a ref' : `no branch or tag "${ref}"`
  throw new PermanentFailure(`The repository has ${what}.`, 'REF_NOT_FOUND')
}

async function listRefs(git: Git, { location, settings }: RepositorySource, names: readonly string[]) {
  const text = await git.text(['ls-remote', '--symref', '--', location, ...names], { settings })
  const lines = text.split('\n').map((line) => line.split('\t'))
  const refs = new Set(lines.flatMap(([value = '', name]) => (name && !value.startsWith('ref: ') ? [name] : [])))
  const head = lines.find(([value, name]) => name === 'HEAD' && value?.startsWith('ref: '))?.[0]
  return { refs, head: head?.replace(/^ref: (refs\/heads\/)?/, '') ?? null }
}

async function commitOf(git: Git, directory: string): Promise<string> {
  try {
    return (await git.text(['-C', directory, 'rev-parse', '--verify', '--quiet', 'refs/inspected^{commit}'])).trim()
  } catch (cause) {
    throw new PermanentFailure('The ref names something that is not a commit.', 'REF_NOT_FOUND', { cause })
  }
}

/** Where each of git's phases lies within the fetch, in percent of the whole task. */
const phases: Readonly<Record<string, readonly [from: number, to: number]>> = {
  'Enumerating objects': [0, 2],
  'Counting objects': [2, 6],
  'Compressing objects': [6, 15],
  'Receiving objects': [15, 50],
  'Unpacking objects': [15, 50],
  'Resolving deltas': [50, fetchedPercent],
}

function phaseReporter(context: TaskContext): (line: string) => void {
  let current: string | undefined
  return (line) => {
    const [, phase = '', percent] = /^(?:remote: )?([A-Z][a-z]+ [a-z]+):\s+(?:(\d+)%)?/.exec(line) ?? []
    const [from, to] = phases[phase] ?? []
    if (from === undefined || to === undefined) return
    if (phase !== current) context.step(phase)
    current = phase
    context.progress(from + ((to - from) * Number(percent ?? 0)) / 100)
  }
}
