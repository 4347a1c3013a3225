import type { TaskContext } from '#domain/tasks/task-type.ts'
import type { Git } from './git.ts'
import { type FoundRef, findRef, type RefList } from './refs.ts'
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
  await git.text(['init', '--quiet', '--bare', '--template='])
  const wanted = await findRef((names) => listRefs(git, { location, settings }, names), ref)
  const options = ['--progress', '--no-tags', '--no-write-fetch-head', '--update-shallow']
  await git.text(['fetch', ...options, '--', location, `+${wanted.name}:refs/inspected`], {
    settings,
    onMessage: phaseReporter(context),
  })
  return { name: 'refs/inspected', shown: wanted.shown }
}

async function listRefs(git: Git, { location, settings }: RemoteSource, names: readonly string[]): Promise<RefList> {
  const text = await git.text(['ls-remote', '--symref', '--', location, ...names], { settings })
  const lines = text.split('\n').map((line) => line.split('\t'))
  const refs = new Set(lines.flatMap(([value = '', name]) => (name && !value.startsWith('ref: ') ? [name] : [])))
  const head = lines.find(([value, name]) => name === 'HEAD' && value?.startsWith('ref: '))?.[0]
  return { refs, head: head?.replace(/^ref: /, '') ?? null }
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
