import type { Command } from 'commander'
import { readMoment } from '#cli/input.ts'
import { choice, collect, readCount, readDuration } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import {
  CreateTaskScheduleDocument,
  type CreateTaskScheduleInput,
  type Priority,
  payloadOf,
  type TaskScheduleMissed,
  type TaskScheduleOverlap,
} from '#client/index.ts'
import { type SubmitOptions, toSubmission } from './task-submit.ts'

interface AddOptions extends Omit<SubmitOptions, 'runAt' | 'idempotencyKey' | 'watch'> {
  readonly name?: string
  readonly cron?: string
  readonly every?: number
  readonly rrule?: string
  readonly timeZone?: string
  readonly start?: string
  readonly end?: string
  readonly maxRuns?: number
  readonly overlap?: TaskScheduleOverlap
  readonly missed?: TaskScheduleMissed
  readonly idempotencyKey?: string
}

export function addScheduleAddCommand(parent: Command, session: Session): void {
  const command = parent
    .command('add <type>')
    .summary('create a schedule')
    .description('Creates a schedule, which submits tasks of a type again and again.')
    .option('--name <name>', 'a display name (default: the type)')
    .option('--cron <expression>', 'by a cron expression of five fields, or six with seconds in front')
    .option('--every <duration>', 'at an interval: 30s, 10m, 2h, 1d', readDuration)
    .option('--rrule <rule>', 'by the value of an RRULE: FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17')
    .option('--time-zone <zone>', 'the time zone of --cron and --rrule, such as Europe/Berlin (default: UTC)')
    .option('--start <moment>', 'no run before: 2026-11-24T18:00:00Z, or 30s, 10m, 2h, 1d from now')
    .option('--end <moment>', 'no run after, in the same form')
    .option('--max-runs <count>', 'end after so many runs', readCount)
    .option(
      '--overlap <mode>',
      'while an earlier run has not ended: SKIP, QUEUE or ALLOW (default: SKIP)',
      choice<TaskScheduleOverlap>(['SKIP', 'QUEUE', 'ALLOW']),
    )
    .option(
      '--missed <mode>',
      'runs that no server could create in time: SKIP or ONCE (default: SKIP)',
      choice<TaskScheduleMissed>(['SKIP', 'ONCE']),
    )
    .option('-i, --input <json>', 'the input of each run')
    .option('--input-file <file>', 'the input, from a file; - for standard input')
    .option(
      '-s, --set <name=value>',
      'one property of the input (a.b=1 for one inside another); may be repeated',
      collect,
    )
    .option(
      '-p, --priority <priority>',
      'CRITICAL, NORMAL or BATCH (default: the task type’s)',
      choice<Priority>(['CRITICAL', 'NORMAL', 'BATCH']),
    )
    .option('-l, --label <name=value>', 'to find the runs by; may be repeated', collect)
    .option('--concurrency-key <key>', 'run only as many with the same key at once as the task type allows')
    .option('--timeout <seconds>', 'how long an attempt may take', readCount)
    .option('--attempts <count>', 'how many there may be in all', readCount)
    .option('--idempotency-key <key>', 'the same key again answers with the same schedule')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} schedule add probe --cron '30 2 * * *' --time-zone Europe/Berlin`,
        `${session.invocation} schedule add probe --every 10m --overlap queue --set durationMs=100`,
        `${session.invocation} schedule add probe --rrule 'FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=17' --max-runs 12`,
      ),
    )
  session.api(command, add)
}

async function add({ client, output, json, invocation }: Api, options: AddOptions, type: string): Promise<void> {
  const input = await toInput(type, options)
  const { schedule } = payloadOf((await client.request(CreateTaskScheduleDocument, { input })).createTaskSchedule)
  if (json) return output.document(schedule)
  output.line(`Created: schedule ${schedule.id} (${printable(schedule.name)}).`)
  output.line(`Next runs: ${schedule.nextRuns.map(moment).join(', ')}`)
  if (output.isTerminal) output.line(`Show it: ${invocation} schedule show ${schedule.id}`)
}

async function toInput(type: string, options: AddOptions): Promise<CreateTaskScheduleInput> {
  const { name = type, cron, every, rrule, timeZone, start, end, maxRuns, overlap, missed, idempotencyKey } = options
  const { idempotencyKey: _, ...task } = await toSubmission(type, options)
  return {
    ...{ name, task, cron, rrule, timeZone, maxRuns, overlap, missed, idempotencyKey },
    everyMs: every,
    startAt: start === undefined ? undefined : readMoment(start),
    endAt: end === undefined ? undefined : readMoment(end),
  }
}
