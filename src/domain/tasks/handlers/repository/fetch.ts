import { rm } from 'node:fs/promises'
import { PermanentFailure, type TaskContext, TaskFailure } from '#domain/tasks/task-type.ts'
import type { Git } from './git.ts'
import { type FoundRef, findRef, isCommitId, type RefList } from './refs.ts'
import type { RemoteSource } from './source.ts'

/** At most this percentage of the whole when everything is fetched. */
export const fetchedPercent = 60

/**
 * Fetches one ref of a remote repository, reporting git's own phases; what was fetched is then named by the result.
 * @throws {PermanentFailure} when the source does not have that ref.
 */
export async function fetchRepository(
  git: Git,
  { location, settings }: RemoteSource,
  ref: string | undefined,
  context: TaskContext,
): Promise<FoundRef> {
  await initialize(git, 'sha1')
  let idLength = 40
  const wanted = await findRef(async (names) => {
    const listed = await listRefs(git, { location, settings }, names)
    idLength = listed.idLength ?? idLength
    return listed
  }, ref)
  // A repository holds ids of one kind only: git does not fetch SHA-256 objects into one created for SHA-1.
  if (Math.max(idLength, isCommitId(wanted.name) ? wanted.name.length : 0) === 64) await initialize(git, 'sha256')
  const options = ['--progress', '--no-tags', '--no-write-fetch-head', '--update-shallow']
  await git
    .text(['fetch', ...options, '--', location, `+${wanted.name}:refs/inspected`], {
      settings,
      onMessage: phaseReporter(context),
    })
    .catch(explainMissingCommit(wanted.name))
  return { name: 'refs/inspected', shown: wanted.shown }
}

async function initialize(git: Git, objectFormat: 'sha1' | 'sha256'): Promise<void> {
  await rm(git.directory, { recursive: true, force: true })
  await git.text(['init', '--quiet', '--bare', '--template=', `--object-format=${objectFormat}`])
}

/** A commit is asked for by its id without a look whether the source has it. @throws always */
function explainMissingCommit(name: string): (cause: unknown) => never {
  return (cause) => {
    const isMissing =
      cause instanceof TaskFailure && /not our ref|unadvertised object|mismatched algorithms/.test(cause.message)
    if (!isMissing || !isCommitId(name)) throw cause
    throw new PermanentFailure(`The repository has no commit "${name}" that it lets others fetch.`, 'REF_NOT_FOUND', {
      cause,
    })
  }
}

interface RemoteRefs extends RefList {
  /** How many digits the ids have; undefined where no ref was found. */
  readonly idLength: number | undefined
}

async function listRefs(git: Git, { location, settings }: RemoteSource, names: readonly string[]): Promise<RemoteRefs> {
  const text = await git.text(['ls-remote', '--symref', '--', location, ...names], { settings })
  const lines = text.split('\n').map((line) => line.split('\t'))
  const refs = new Set(lines.flatMap(([value = '', name]) => (name && !value.startsWith('ref: ') ? [name] : [])))
  const head = lines.find(([value, name]) => name === 'HEAD' && value?.startsWith('ref: '))?.[0]
  const id = lines.find(([value = '', name]) => name && !value.startsWith('ref: '))?.[0]
  return { refs, head: head?.replace(/^ref: /, '') ?? null, idLength: id?.length }
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
