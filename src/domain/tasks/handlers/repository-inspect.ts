import { z } from 'zod'
import { defineTaskType, type TaskContext, type TaskType } from '#domain/tasks/task-type.ts'
import { countContent } from './repository/content.ts'
import { fetchedPercent, fetchRepository } from './repository/fetch.ts'
import { createGit, type Git, repositoryIn } from './repository/git.ts'
import { countHistory } from './repository/history.ts'
import { copyLocalRepository, explainMissingObjects, openLocalRepository } from './repository/local.ts'
import { commitOf, refName } from './repository/refs.ts'
import { isUrl, remoteSource, type SourceRules } from './repository/source.ts'

const input = z.strictObject({
  source: z
    .string()
    .min(1)
    .max(2_000)
    .describe('An https: URL without credentials, or a path below one of the roots, relative to the first: "."'),
  ref: z
    .string()
    .max(1_000)
    .regex(refName, 'is not the name of a branch or tag, or a full commit id')
    .optional()
    .describe('A branch, a tag, or a full commit id. Default: the branch at HEAD.'),
})

type InspectInput = z.output<typeof input>

/** At most this percentage of the whole when a local repository is copied. */
const copiedPercent = 10
const contentPercent = 85
const topLanguages = 10

/** Reports what a git repository consists of. Only reads its source: running it twice gives the same parts again. */
export function createRepositoryInspectType(rules: SourceRules): TaskType {
  return defineTaskType({
    name: 'repository.inspect',
    description:
      'Fetches a git repository and counts its files and lines by language, its commits by month, and its contributors.',
    input,
    onWorkerLost: 'retry',
    prepare: (context) => (isUrl(context.input.source) ? loadForRemote() : copyLocal(rules, context)),
    run: (context) => inspect(rules, context),
  })
}

/** The roots say what may be read; whether the user that the attempt runs as could read it does not matter. */
async function copyLocal({ roots }: SourceRules, context: TaskContext<InspectInput>): Promise<void> {
  context.step('Copying objects')
  await copyLocalRepository(context.input.source, roots, repositoryIn(context.workspace), (fraction) =>
    context.progress(fraction * copiedPercent),
  )
}

/** Afterwards the program's own files may be out of reach. */
async function loadForRemote(): Promise<void> {
  await import('./repository/egress.ts')
}

async function inspect({ egressAllow }: SourceRules, context: TaskContext<InspectInput>): Promise<unknown> {
  const { source, ref } = context.input
  const git = await createGit(context.workspace)
  const isLocal = !isUrl(source)
  const found = isLocal
    ? await openLocalRepository(git, ref)
    : await fetchRepository(git, await remoteSource(source, egressAllow), ref, context)
  const commit = await commitOf(git, found.name)
  const gotPercent = isLocal ? copiedPercent : fetchedPercent
  context.progress(gotPercent)
  const counted = count(git, commit, gotPercent, context)
  const { content, history } = await (isLocal ? counted.catch(explainMissingObjects(git)) : counted)

  return {
    commit,
    ref: found.shown,
    files: content.files,
    binaryFiles: content.binaryFiles,
    lines: content.lines,
    languages: content.languages.slice(0, topLanguages),
    commits: history.commits,
    undatedCommits: history.undatedCommits,
    contributors: history.contributors.length,
    firstCommitAt: history.firstCommitAt,
    lastCommitAt: history.lastCommitAt,
  }
}

/** Counts what the commit consists of, and keeps each part as soon as it is known. */
async function count(git: Git, commit: string, gotPercent: number, context: TaskContext) {
  context.step('Counting lines')
  const content = await countContent(git, commit, between(context, gotPercent, contentPercent))
  await context.part('languages', content.languages)

  context.step('Reading history')
  const history = await countHistory(git, commit, between(context, contentPercent, 100))
  await context.part('commits-by-month', history.byMonth)
  await context.part('contributors', history.contributors)
  return { content, history }
}

/** Progress from one percentage of the whole to another, reported when it has moved by a whole percent. */
function between(context: TaskContext, from: number, to: number): (fraction: number) => void {
  let reported = from
  return (fraction) => {
    const percent = Math.floor(from + (to - from) * Math.min(1, fraction))
    if (percent <= reported) return
    reported = percent
    context.progress(percent)
  }
}
