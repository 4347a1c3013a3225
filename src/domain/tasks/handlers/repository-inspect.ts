import { z } from 'zod'
import { defineTaskType, type TaskContext, type TaskType } from '#domain/tasks/task-type.ts'
import { countContent } from './repository/content.ts'
import { fetchedPercent, fetchRepository } from './repository/fetch.ts'
import { createGit } from './repository/git.ts'
import { countHistory } from './repository/history.ts'
import { repositorySource, type SourceRules } from './repository/source.ts'

const input = z.strictObject({
  source: z
    .string()
    .min(1)
    .max(2_000)
    .describe('An https: URL without credentials, or a path below one of the roots, relative to the first: "."'),
  ref: z
    .string()
    .max(200)
    .regex(
      /^(?!.*(\.\.|\/\/|@\{|\.lock$))[A-Za-z0-9_][A-Za-z0-9_./@+#-]*(?<![./])$/,
      'is not the name of a branch or tag, or a full commit id',
    )
    .optional()
    .describe('A branch, a tag, or a full commit id. Default: the branch at HEAD.'),
})

type InspectInput = z.output<typeof input>

const contentPercent = 85
const topLanguages = 10

/** Tells what a git repository consists of. Only reads its source: running it twice gives the same parts again. */
export function createRepositoryInspectType(rules: SourceRules): TaskType {
  return defineTaskType({
    name: 'repository.inspect',
    description:
      'Fetches a git repository and counts its files and lines by language, its commits by month, and its contributors.',
    input,
    run: (context) => inspect(rules, context),
  })
}

async function inspect(rules: SourceRules, context: TaskContext<InspectInput>): Promise<unknown> {
  const git = await createGit(context.workspace)
  const source = await repositorySource(context.input.source, rules, git)
  const { directory, commit, ref } = await fetchRepository(git, source, context.input.ref, context)
  context.progress(fetchedPercent)

  context.step('Counting lines')
  const content = await countContent(git, directory, commit, between(context, fetchedPercent, contentPercent))
  await context.part('languages', content.languages)

  context.step('Reading history')
  const history = await countHistory(git, directory, commit, between(context, contentPercent, 100))
  await context.part('commits-by-month', history.byMonth)
  await context.part('contributors', history.contributors)

  return {
    commit,
    ref,
    files: content.files,
    binaryFiles: content.binaryFiles,
    lines: content.lines,
    languages: content.languages.slice(0, topLanguages),
    commits: history.commits,
    contributors: history.contributors.length,
    firstCommitAt: history.firstCommitAt,
    lastCommitAt: history.lastCommitAt,
  }
}

/** Progress from one percentage of the whole to another, told when it has moved by a whole percent. */
function between(context: TaskContext, from: number, to: number): (fraction: number) => void {
  let told = from
  return (fraction) => {
    const percent = Math.floor(from + (to - from) * Math.min(1, fraction))
    if (percent <= told) return
    told = percent
    context.progress(percent)
  }
}
