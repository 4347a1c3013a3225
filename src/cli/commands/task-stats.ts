import type { Command } from 'commander'
import { choice, readDuration } from '#cli/options.ts'
import { examples, type Session } from '#cli/session.ts'
import { duration, moment } from '#cli/text.ts'
import { type Priority, TaskFiguresDocument, type TaskFiguresQuery } from '#client/index.ts'

type Figures = TaskFiguresQuery['taskStats']
type Triple = Figures['wait']

interface Options {
  readonly last: number
  readonly bucket?: number
  readonly type?: string
  readonly priority?: Priority
}

const hourMs = 3_600_000
/** Without `--bucket`, the time is divided into so many parts. */
const usualBuckets = 12

export function addTaskStatsCommand(parent: Command, session: Session): void {
  const command = parent
    .command('stats')
    .summary('depth, age, throughput and durations')
    .description('Shows what waits and runs, and how the tasks that ended lately waited and ran, in all and over time.')
    .option('--last <duration>', 'the time until now, such as 30m or 7d', readDuration, hourMs)
    .option('--bucket <duration>', 'length of a row; default: a twelfth of the time', readDuration)
    .option('-t, --type <type>', 'only tasks of this type')
    .option('-p, --priority <priority>', 'only of this priority', choice<Priority>(['CRITICAL', 'NORMAL', 'BATCH']))
    .addHelpText('after', () => examples(`${session.invocation} task stats --last 24h --bucket 1h`))
  session.api(command, async ({ client, output, json }, { last, bucket, type, priority }: Options) => {
    const bucketMs = bucket ?? Math.max(1_000, Math.ceil(last / usualBuckets))
    const to = Date.now()
    const variables = {
      from: new Date(to - last).toISOString(),
      to: new Date(to).toISOString(),
      bucketMs,
      type,
      priority,
    }
    const { taskStats } = await client.request(TaskFiguresDocument, variables)
    if (json) return output.document(taskStats)
    const { waiting, scheduled, active, oldestWaitMs, completed, failed, cancelled, wait, run } = taskStats
    const oldest = oldestWaitMs === null ? '' : `, the oldest for ${duration(oldestWaitMs)}`
    output.line(`Now: ${waiting} waiting${oldest}; ${active} running; ${scheduled} scheduled.`)
    output.line(`Ended: ${completed} completed, ${failed} failed, ${cancelled} cancelled.`)
    output.line(`Waited: ${percentiles(wait)}. Ran: ${percentiles(run)}.`)
    output.table(taskStats.buckets, [
      { title: 'FROM', text: ({ from }) => moment(from) },
      { title: 'COMPLETED', text: (one) => String(one.completed) },
      { title: 'FAILED', text: (one) => String(one.failed) },
      { title: 'CANCELLED', text: (one) => String(one.cancelled) },
      { title: 'WAIT P50/P95/P99', text: (one) => percentiles(one.wait) },
      { title: 'RUN P50/P95/P99', text: (one) => percentiles(one.run) },
    ])
  })
}

function percentiles(triple: Triple): string {
  if (triple === null) return '-'
  const { p50, p95, p99 } = triple
  return [p50, p95, p99].map((ms) => duration(Math.max(0, ms))).join(' / ')
}
