import { Link } from 'wouter'
import type { TaskSummaryFragment } from '#client/browser.ts'
import type { ListState } from '#client/react/index.ts'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty } from '#console/ui/notes.tsx'
import { Status, sentence } from '#console/ui/status.tsx'
import { duration, Time } from '#console/ui/time.tsx'

const columns: readonly Column<TaskSummaryFragment>[] = [
  {
    title: 'Task',
    cell: ({ id, type }) => (
      <>
        <Link href={`/tasks/${id}`} className="plain-link">
          {type}
        </Link>
        <div className="soft mono">{shortId(id)}</div>
      </>
    ),
  },
  { title: 'Status', cell: (task) => <TaskState task={task} /> },
  { title: 'Labels', isWide: true, cell: ({ labels }) => <Labels labels={labels} /> },
  { title: 'Priority', isWide: true, cell: ({ priority }) => sentence(priority) },
  { title: 'Submitted', cell: ({ createdAt }) => <Time at={createdAt} /> },
  { title: 'Took', isNumber: true, isWide: true, cell: (task) => tookOf(task) },
]

export interface TaskTableProps {
  readonly list: ListState<TaskSummaryFragment>
  readonly label: string
  readonly empty: string
}

/** Tasks, one a row; each row is one place that changes as the task runs. */
export function TaskTable({ list, label, empty }: TaskTableProps) {
  return (
    <ListTable
      label={label}
      columns={columns}
      rows={list.nodes}
      idOf={({ id }) => id}
      list={list}
      empty={<Empty title={empty} />}
    />
  )
}

function TaskState({ task }: { readonly task: TaskSummaryFragment }) {
  const { status, progress, currentStep, error } = task
  return (
    <>
      <Status value={status} isRunning />
      {status === 'ACTIVE' && <progress value={progress} max={100} aria-label="Progress" />}
      {status === 'ACTIVE' && currentStep && <span className="cut soft small">{currentStep}</span>}
      {status === 'FAILED' && error && <span className="cut soft small">{error.message}</span>}
    </>
  )
}

/** Labels of a task, as `name: value`. */
export function Labels({ labels }: { readonly labels: unknown }) {
  const entries = Object.entries((labels ?? {}) as Record<string, string>)
  if (entries.length === 0) return <span className="soft">–</span>
  return (
    <span className="row">
      {entries.map(([name, value]) => (
        <span key={name} className="tag" title={`${name}: ${value}`}>
          {name}: {value}
        </span>
      ))}
    </span>
  )
}

/** The part of an id that tells tasks apart: their beginnings are times. */
function shortId(id: string): string {
  return id.slice(-8)
}

function tookOf({ startedAt, finishedAt }: TaskSummaryFragment): string {
  if (startedAt == null || finishedAt == null) return '–'
  return duration(Date.parse(finishedAt) - Date.parse(startedAt))
}
