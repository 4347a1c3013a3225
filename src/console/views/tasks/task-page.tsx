import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { hasEnded } from '#client/browser.ts'
import { type TaskData, useLogs, useQuery, useTask } from '#client/react/index.ts'
import { TaskStackDocument } from '#console/generated/graphql.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { LogView } from '#console/ui/log-view.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Status, sentence } from '#console/ui/status.tsx'
import { duration, Time } from '#console/ui/time.tsx'
import { Attempts } from './attempts.tsx'
import { Parts } from './parts.tsx'
import { TaskActions } from './task-actions.tsx'
import { Labels } from './task-table.tsx'

type Task = NonNullable<TaskData>

const crumbs = [{ title: 'Tasks', href: '/tasks' }]

/** One task, from its submission to its result, as it happens. */
export function TaskPage({ id }: { readonly id: string }) {
  const { data: task, isLoading, error, refresh } = useTask(id)
  if (isLoading) return <Loading />
  if (task == null)
    return (
      <Page title="Task" crumbs={crumbs}>
        <ErrorNote error={error} />
        {error === undefined && <p className="note">There is no task {id}, or you may not see it.</p>}
      </Page>
    )
  return (
    <Page title={task.type} crumbs={crumbs} actions={<TaskActions task={task} onChanged={refresh} />}>
      <ErrorNote error={error} />
      <State task={task} />
      <div className="split">
        <div className="stack">
          {task.error && <Failure task={task} />}
          <TaskLog id={id} />
          {task.status === 'COMPLETED' && <Result task={task} />}
          <Card title="Input">
            <JsonView value={task.input} label="Input" />
          </Card>
        </div>
        <div className="stack">
          <Card title="Attempts">
            <Attempts task={task} />
          </Card>
          {task.parts.length > 0 && <Parts taskId={id} parts={task.parts} />}
          <Details task={task} />
        </div>
      </div>
      <ApiHelp
        graphql={`subscription {\n  taskUpdates(id: "${id}") { kind cursor status progress step log { message } }\n}`}
        rest={{ method: 'GET', path: `/api/tasks/${id}` }}
        cli={`signalbox task watch ${id}`}
      />
    </Page>
  )
}

function State({ task }: { readonly task: Task }) {
  const { status, progress, currentStep, startedAt, finishedAt } = task
  const took = startedAt && finishedAt ? duration(Date.parse(finishedAt) - Date.parse(startedAt)) : undefined
  return (
    <section className="card" aria-label="State">
      <div className="body stack">
        <div className="row">
          <Status value={status} isRunning />
          {task.cancelRequestedAt && !hasEnded(status) && <span className="soft">asked to stop</span>}
          {took && <span className="soft">after {took}</span>}
          {status === 'ACTIVE' && <span>{progress} %</span>}
          {status === 'ACTIVE' && currentStep && <span className="soft">{currentStep}</span>}
          {(status === 'PENDING' || status === 'SCHEDULED') && (
            <span className="soft">
              due <Time at={task.runAt} />
            </span>
          )}
        </div>
        {status === 'ACTIVE' && <progress value={progress} max={100} aria-label="Progress" />}
      </div>
    </section>
  )
}

function Failure({ task: { id, error } }: { readonly task: Task }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <section className="note error stack" aria-label="Error">
      <p>
        <strong>{error?.code}</strong>: {error?.message}
      </p>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Stack</summary>
        {isOpen && <Stack id={id} />}
      </details>
    </section>
  )
}

function Stack({ id }: { readonly id: string }) {
  const { data, isLoading } = useQuery(TaskStackDocument, { id })
  const stack = data?.task?.error?.stack
  if (isLoading) return <Loading />
  return stack ? <pre className="stack-trace">{stack}</pre> : <p>The error has none.</p>
}

function TaskLog({ id }: { readonly id: string }) {
  const { data, error } = useLogs(id)
  return (
    <>
      <ErrorNote error={error} />
      <LogView log={data} name={`task-${id}`} />
    </>
  )
}

function Result({ task }: { readonly task: Task }) {
  return (
    <Card title="Result">
      {task.resultExpired ? (
        <p className="soft">The result has expired and was deleted.</p>
      ) : (
        <JsonView value={task.result ?? null} label="Result" />
      )}
    </Card>
  )
}

function Details({ task }: { readonly task: Task }) {
  const { createdBy, priority, retry, timeoutMs, worker, idempotencyKey, fairnessKey, cancelReason } = task
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Id', <code key="id">{task.id}</code>],
    [
      'Submitted',
      <span key="at">
        <Time at={task.createdAt} /> by {createdBy.name}
      </span>,
    ],
    ['Priority', sentence(priority)],
    ['Labels', <Labels key="labels" labels={task.labels} />],
    ['Attempts', `at most ${retry.maxAttempts}`],
    ['Time limit', duration(timeoutMs)],
    ['Worker', worker],
    ['Idempotency key', idempotencyKey],
    ['Fairness key', fairnessKey],
    ['Cancelled because', cancelReason],
  ]
  return (
    <Card
      title="Details"
      actions={<Link href={`/tasks?type=${encodeURIComponent(task.type)}`}>Others of this type</Link>}
    >
      <Facts facts={facts} />
    </Card>
  )
}
