import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { choices, readCount } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { runTime, statusStyles } from '#cli/task-text.ts'
import { moment, printable } from '#cli/text.ts'
import {
  TaskScheduleDocument,
  TaskScheduleNextRunsDocument,
  type TaskScheduleQuery,
  type TaskScheduleStatus,
  TaskSchedulesDocument,
} from '#client/index.ts'
import { recurrenceText, scheduleStyles } from './schedule-text.ts'

type Details = NonNullable<TaskScheduleQuery['taskSchedule']>

const statuses: readonly TaskScheduleStatus[] = ['ACTIVE', 'PAUSED', 'FAILED', 'ENDED']

interface ListOptions {
  readonly status?: TaskScheduleStatus[]
  readonly first: number
  readonly after?: string
}

export function addScheduleListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the schedules, newest first')
    .description('Lists schedules, newest first.')
    .option('--status <statuses>', `some of ${statuses.join(', ')}`, choices(statuses))
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} schedule list --status failed,paused`))
  session.api(command, list)
}

async function list({ client, output, json }: Api, { status, first, after }: ListOptions): Promise<void> {
  const { taskSchedules } = await client.request(TaskSchedulesDocument, { status, first, after })
  if (json) return output.document(taskSchedules)
  if (taskSchedules.nodes.length === 0) return output.remark('No schedules.')
  output.table(taskSchedules.nodes, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
    { title: 'STATUS', text: ({ status }) => status, style: ({ status }) => scheduleStyles[status] },
    { title: 'TYPE', text: ({ type }) => type, flexible: true },
    { title: 'DUE', text: recurrenceText, flexible: true },
    { title: 'NEXT RUN', text: ({ nextRunAt }) => (nextRunAt === null ? '' : moment(nextRunAt)) },
    { title: 'RUNS', text: ({ runCount }) => String(runCount), optional: true },
  ])
  const { hasNextPage, endCursor } = taskSchedules.pageInfo
  if (hasNextPage) output.remark(`There are more: add --after ${endCursor}`)
}

export function addScheduleShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show <id>')
    .summary('everything about one schedule')
    .description('Shows everything about a schedule, with its next and its latest runs.')
    .option('--runs <count>', 'how many of the latest runs, at most 200', readCount, 10)
  session.api(command, async ({ client, output, json }, { runs }: { runs: number }, id: string) => {
    const { taskSchedule } = await client.request(TaskScheduleDocument, { id, runs })
    const details = found(taskSchedule, `schedule ${id}`)
    if (json) output.document(details)
    else show(output, details)
  })
}

function show(output: Output, schedule: Details): void {
  const { status, statusReason, nextRuns, startAt, endAt, maxRuns, waitingRuns, createdBy, maker } = schedule
  output.properties([
    ['id', schedule.id],
    ['name', printable(schedule.name)],
    ['status', output.styled(scheduleStyles[status], status)],
    ['reason', statusReason === null ? undefined : printable(statusReason)],
    ['type', schedule.type],
    ['due', recurrenceText(schedule)],
    ['next runs', nextRuns.length === 0 ? undefined : nextRuns.map(moment).join(', ')],
    ['starts', startAt === null ? undefined : moment(startAt)],
    ['ends', endAt === null ? undefined : moment(endAt)],
    ['runs', `${schedule.runCount}${maxRuns === null ? '' : ` of ${maxRuns}`}`],
    ['waiting runs', waitingRuns.length === 0 ? undefined : String(waitingRuns.length)],
    ['overlap', schedule.overlap],
    ['missed', schedule.missed],
    ['created', `${moment(schedule.createdAt)} by ${printable(createdBy.name)}`],
    ['runs as', printable(maker.name)],
    ['task', output.value(schedule.task)],
  ])
  if (schedule.runs.nodes.length === 0) return
  output.line()
  const now = Date.now()
  output.table(schedule.runs.nodes, [
    { title: 'RUN', text: ({ id }) => id },
    { title: 'FOR', text: ({ scheduledFor }) => (scheduledFor === null ? '' : moment(scheduledFor)) },
    { title: 'STATUS', text: ({ status }) => status, style: ({ status }) => statusStyles[status] },
    { title: 'RAN', text: (task) => runTime(task, now) ?? '' },
    { title: 'ERROR', text: ({ error }) => printable(error?.message ?? ''), flexible: true },
  ])
}

export function addScheduleNextCommand(parent: Command, session: Session): void {
  const command = parent
    .command('next <id>')
    .summary('when its next runs are due')
    .description('Prints when the next runs of a schedule are due.')
    .option('--first <count>', 'how many, at most 100', readCount, 10)
    .addHelpText('after', () => examples(`${session.invocation} schedule next 0197e2c4-… --first 3`))
  session.api(command, async ({ client, output, json }, { first }: { first: number }, id: string) => {
    const { taskSchedule } = await client.request(TaskScheduleNextRunsDocument, { id, first })
    const { nextRuns } = found(taskSchedule, `schedule ${id}`)
    if (json) return output.document(nextRuns)
    if (nextRuns.length === 0) return output.remark('No further runs.')
    for (const time of nextRuns) output.line(moment(time))
  })
}
