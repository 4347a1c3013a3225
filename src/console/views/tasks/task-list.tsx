import { type FormEvent, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { type Priority, type TaskFilter, type TaskStatus, TaskTypesDocument } from '#client/browser.ts'
import { useQuery, useTasks } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { useMay } from '#console/session/session-context.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'
import { TaskTable } from './task-table.tsx'

const statuses: readonly TaskStatus[] = ['PENDING', 'SCHEDULED', 'ACTIVE', 'COMPLETED', 'FAILED', 'CANCELLED']
const priorities: readonly Priority[] = ['CRITICAL', 'NORMAL', 'BATCH']
const uuid = /^[\da-f]{8}-[\da-f-]{27}$/i

/** The tasks that match, live; everything that decides which stands in the address. */
export function TaskList() {
  const params = useParams()
  const where = filterOf(params)
  const oldest = params.get('order') === 'oldest'
  const list = useTasks({ where, orderBy: oldest ? 'OLDEST_FIRST' : 'NEWEST_FIRST' })
  const maySubmit = useMay('tasks:write')
  return (
    <Page
      title="Tasks"
      actions={
        maySubmit && (
          <Link href="/submit" className="button primary">
            Submit a task
          </Link>
        )
      }
    >
      <Filters />
      <Card
        title={where === undefined ? 'All tasks' : 'Matching tasks'}
        flush
        actions={
          <label className="check small">
            <input
              type="checkbox"
              checked={oldest}
              onChange={() => params.set({ order: oldest ? undefined : 'oldest' })}
            />
            Oldest first
          </label>
        }
      >
        <TaskTable
          list={list}
          label="Tasks"
          empty={where === undefined ? 'No task was submitted yet.' : 'No task matches these filters.'}
        />
      </Card>
      <ApiHelp {...helpFor(where)} />
    </Page>
  )
}

function Filters() {
  const params = useParams()
  const types = useQuery(TaskTypesDocument, {})
  return (
    <search className="stack">
      <div className="filters">
        <SearchField key={params.get('label')} />
        <select
          aria-label="Type"
          value={params.get('type')}
          onChange={(event) => params.set({ type: event.target.value })}
        >
          <option value="">All types</option>
          {types.data?.taskTypes.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <select
          aria-label="Priority"
          value={params.get('priority')}
          onChange={(event) => params.set({ priority: event.target.value })}
        >
          <option value="">All priorities</option>
          {priorities.map((name) => (
            <option key={name} value={name}>
              {sentence(name)}
            </option>
          ))}
        </select>
      </div>
      <fieldset className="filters plain">
        <legend className="visually-hidden">Status</legend>
        {statuses.map((status) => (
          <StatusChip key={status} status={status} />
        ))}
      </fieldset>
    </search>
  )
}

function StatusChip({ status }: { readonly status: TaskStatus }) {
  const { all, set } = useParams()
  const chosen = all('status')
  const isChosen = chosen.includes(status)
  return (
    <label className="chip">
      <input
        type="checkbox"
        checked={isChosen}
        onChange={() => set({ status: isChosen ? chosen.filter((one) => one !== status) : [...chosen, status] })}
      />
      <span>{status === 'ACTIVE' ? 'Running' : sentence(status)}</span>
    </label>
  )
}

/** Finds a task by its id, or tasks by a label. */
function SearchField() {
  const params = useParams()
  const [, navigate] = useLocation()
  const [text, setText] = useState(params.get('label'))
  const [fault, setFault] = useState<string | undefined>()

  function search(event: FormEvent) {
    event.preventDefault()
    const wanted = text.trim()
    if (uuid.test(wanted)) return navigate(`/tasks/${wanted}`)
    if (wanted !== '' && labelsOf(wanted) === undefined) return setFault('Enter the id of a task, or label=value.')
    setFault(undefined)
    if (wanted !== params.get('label')) params.set({ label: wanted })
  }

  return (
    <form className="grow" onSubmit={search}>
      <input
        type="search"
        aria-label="Task id, or label=value"
        placeholder="Task id, or label=value"
        value={text}
        aria-invalid={fault !== undefined}
        onChange={(event) => setText(event.target.value)}
      />
      {fault && (
        <span className="fault" role="alert">
          {fault}
        </span>
      )}
    </form>
  )
}

function labelsOf(text: string): Record<string, string> | undefined {
  const [, name, value] = /^([^=\s]+)=(.*)$/.exec(text) ?? []
  return name === undefined || value === undefined ? undefined : { [name]: value }
}

function filterOf({ get, all }: Pick<ReturnType<typeof useParams>, 'get' | 'all'>): TaskFilter | undefined {
  const status = statuses.filter((one) => all('status').includes(one))
  const priority = priorities.filter((one) => one === get('priority'))
  const labels = labelsOf(get('label'))
  const filter = {
    ...(status.length > 0 && { status }),
    ...(priority.length > 0 && { priority }),
    ...(get('type') !== '' && { type: [get('type')] }),
    ...(labels !== undefined && { labels }),
  }
  return Object.keys(filter).length === 0 ? undefined : filter
}

function helpFor(where: TaskFilter | undefined) {
  const status = [where?.status ?? []].flat()
  const type = [where?.type ?? []].flat()
  const labels = Object.entries((where?.labels ?? {}) as Record<string, string>)
  const options = [
    ...status.map((one) => ` --status ${one.toLowerCase()}`),
    ...type.map((one) => ` --type ${one}`),
    ...labels.map(([name, value]) => ` --label ${name}=${value}`),
  ]
  return {
    graphql: `query ($where: TaskFilter) {
  tasks(where: $where, first: 50) {
    nodes { id type status progress }
    pageInfo { hasNextPage endCursor }
  }
}

# variables
${JSON.stringify({ where: where ?? null }, null, 2)}`,
    rest: { method: 'GET', path: `/api/tasks${status[0] ? `?status=${status[0].toLowerCase()}` : ''}` },
    cli: `signalbox task list${options.join('')}`,
  }
}
