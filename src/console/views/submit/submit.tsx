import { Link, useLocation } from 'wouter'
import { TaskDetailsDocument, TaskTypesDocument, type TaskTypesQuery } from '#client/browser.ts'
import { useQuery } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { Loading } from '#console/ui/loading.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'
import { SubmitForm } from './submit-form.tsx'

export type TaskType = TaskTypesQuery['taskTypes'][number]

/** Submits a task of any type; `?type=` says which, and `?again=` begins with another task's input. */
export default function Submit() {
  const params = useParams()
  const again = params.get('again')
  const types = useQuery(TaskTypesDocument, {})
  const before = useQuery(TaskDetailsDocument, { id: again }, { skip: again === '' })
  const [, navigate] = useLocation()
  if (types.isLoading || before.isLoading) return <Loading />
  const task = before.data?.task
  const name = task?.type ?? params.get('type')
  const type = types.data?.taskTypes.find((one) => one.name === name)
  return (
    <Page title={type === undefined ? 'Submit a task' : `Submit ${type.name}`} crumbs={type && crumbs}>
      <ErrorNote error={types.error ?? before.error} />
      {type === undefined ? (
        <TypeList types={types.data?.taskTypes ?? []} />
      ) : (
        <SubmitForm
          key={`${type.name} ${again}`}
          type={type}
          from={task ?? undefined}
          onSubmitted={(id) => navigate(`/tasks/${id}`)}
        />
      )}
    </Page>
  )
}

const crumbs = [{ title: 'Submit', href: '/submit' }]

function TypeList({ types }: { readonly types: readonly TaskType[] }) {
  return (
    <Card title="Task types">
      {types.length === 0 ? (
        <Empty title="There are no task types that you may submit." />
      ) : (
        <ul className="stack">
          {types.map(({ name, description, priority }) => (
            <li key={name}>
              <Link href={`/submit?type=${encodeURIComponent(name)}`}>
                <strong>{name}</strong>
              </Link>{' '}
              <span className="tag">{sentence(priority)}</span>
              <div className="soft">{description}</div>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
