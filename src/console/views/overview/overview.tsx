import { Link } from 'wouter'
import { useQuery, useTasks } from '#client/react/index.ts'
import { OverviewDocument, type OverviewQuery } from '#console/generated/graphql.ts'
import { useMay } from '#console/session/session-context.ts'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'
import { duration } from '#console/ui/time.tsx'
import { TaskTable } from '#console/views/tasks/task-table.tsx'
import { FirstSteps } from './first-steps.tsx'

const shown = 8

/** How things are: what waits and for how long, what runs, and what has failed. */
export default function Overview() {
  const mayRead = useMay('tasks:read')
  const all = useTasks({ pageSize: 1, skip: !mayRead })
  const isNew = mayRead && !all.isLoading && all.error === undefined && all.nodes.length === 0
  return (
    <Page title="Overview">
      {(isNew || !mayRead) && <FirstSteps />}
      {mayRead && <Queues />}
      {mayRead && !isNew && <TaskLists />}
    </Page>
  )
}

const changes = ['task.submitted', 'task.started', 'task.completed', 'task.failed', 'task.retried', 'task.cancelled']

function Queues() {
  const { data, error } = useQuery(OverviewDocument, {}, { live: { types: changes } })
  return (
    <>
      <ErrorNote error={error} />
      <section className="figures" aria-label="Queues">
        {data?.queues.map((queue) => (
          <Queue key={queue.priority} queue={queue} />
        ))}
      </section>
    </>
  )
}

function Queue({ queue }: { readonly queue: OverviewQuery['queues'][number] }) {
  const { priority, waiting, active, scheduled, oldestWaitMs, wait, run } = queue
  const facts = [
    ['Longest wait now', oldestWaitMs == null ? 'nothing waits' : duration(oldestWaitMs)],
    ['Wait, median / 95 %', wait == null ? 'not measured yet' : `${duration(wait.p50)} / ${duration(wait.p95)}`],
    ['Run, median / 95 %', run == null ? 'not measured yet' : `${duration(run.p50)} / ${duration(run.p95)}`],
    ['Scheduled', String(scheduled)],
  ] as const
  return (
    <div className="card figure">
      <h2>{sentence(priority)}</h2>
      <p className="value">
        {active} <small>running</small> {waiting} <small>waiting</small>
      </p>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name} className="fact">
            <dt>{name}</dt>
            <dd className="small">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

function TaskLists() {
  const active = useTasks({ where: { status: ['ACTIVE', 'PENDING'] }, pageSize: shown })
  const failed = useTasks({ where: { status: ['FAILED'] }, pageSize: shown })
  return (
    <>
      <Card title="Running and waiting" flush actions={<Link href="/tasks?status=ACTIVE&status=PENDING">All</Link>}>
        <TaskTable list={{ ...active, hasMore: false }} label="Running and waiting" empty="Nothing runs or waits." />
      </Card>
      <Card title="Failed lately" flush actions={<Link href="/tasks?status=FAILED">All</Link>}>
        <TaskTable list={{ ...failed, hasMore: false }} label="Failed lately" empty="No task has failed." />
      </Card>
    </>
  )
}
