import type { Command } from 'commander'
import { readLabels } from '#cli/input.ts'
import { choices, collect, readCount, readList } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { runTime, statusStyles } from '#cli/task-text.ts'
import { duration, printable, printableLines } from '#cli/text.ts'
import { type Priority, type TaskStatus, TasksDocument, type TasksQuery } from '#client/index.ts'

type ListedTask = TasksQuery['tasks']['nodes'][number]

interface ListOptions {
  readonly status?: TaskStatus[]
  readonly type?: string[]
  readonly priority?: Priority[]
  readonly label?: readonly string[]
  readonly first: number
  readonly after?: string
  readonly oldestFirst?: boolean
}

const statuses: readonly TaskStatus[] = ['SCHEDULED', 'PENDING', 'ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED']
const maxAtOnce = 200

export function addTaskListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the tasks, newest first')
    .description('Lists tasks, newest first.')
    .option('--status <statuses>', `some of ${statuses.join(', ')}`, choices(statuses))
    .option('--type <types>', 'of these task types', readList)
    .option(
      '--priority <priorities>',
      'some of CRITICAL, NORMAL, BATCH',
      choices<Priority>(['CRITICAL', 'NORMAL', 'BATCH']),
    )
    .option('-l, --label <name=value>', 'that carry this label; may be repeated', collect)
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 20)
    .option('--after <cursor>', 'continue after this cursor')
    .option('--oldest-first', 'by creation, the oldest first')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} task list --status failed --first 5`,
        `${session.invocation} task list --label team=web --json`,
      ),
    )
  session.api(command, list)
}

async function list({ client, output, json }: Api, options: ListOptions): Promise<void> {
  const { status, type, priority, label, first, after, oldestFirst } = options
  const { tasks } = await client.request(TasksDocument, {
    where: { status, type, priority, labels: readLabels(label) },
    orderBy: oldestFirst ? 'OLDEST_FIRST' : 'NEWEST_FIRST',
    first,
    after,
  })
  if (json) return output.document(tasks)
  if (tasks.nodes.length === 0) return output.remark('No tasks.')
  table(output, tasks.nodes)
  if (tasks.pageInfo.hasNextPage) output.remark(`There are more: add --after ${tasks.pageInfo.endCursor}`)
}

function table(output: Output, tasks: readonly ListedTask[]): void {
  const now = Date.now()
  output.table(tasks, [
    { title: 'ID', text: (task) => task.id },
    { title: 'STATUS', text: (task) => task.status, style: (task) => statusStyles[task.status] },
    { title: 'TYPE', text: (task) => task.type, flexible: true },
    { title: 'PRIORITY', text: (task) => task.priority, optional: true },
    { title: 'AGE', text: (task) => duration(now - Date.parse(task.createdAt)) },
    { title: 'RAN', text: (task) => runTime(task, now) ?? '' },
    { title: 'STATE', text: state, flexible: true },
  ])
}

/** What a task is waiting for that nothing but somebody's word, or another task, brings about. */
const shownReasons: ReadonlySet<string> = new Set(['APPROVAL', 'EVENT', 'TASK'])

function state({ status, progress, currentStep, error, waiting }: ListedTask): string {
  if (waiting && shownReasons.has(waiting.reason)) return printable(waiting.message)
  if (status === 'ACTIVE') return printable(`${progress} % ${currentStep ?? ''}`).trim()
  return status === 'FAILED' || error !== null ? printableLines(error?.message ?? '').replaceAll('\n', ' ') : ''
}
