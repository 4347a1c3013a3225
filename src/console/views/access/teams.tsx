import { useState } from 'react'
import {
  AddTeamMemberDocument,
  CreateTeamDocument,
  DeleteTeamDocument,
  RemoveTeamMemberDocument,
  TeamDocument,
  type TeamSummaryFragment,
  TeamsDocument,
} from '#client/browser.ts'
import { useMutation, useQuery } from '#client/react/index.ts'
import { ScopedButton } from '#console/ui/button.tsx'
import { Confirm } from '#console/ui/dialog.tsx'
import { Field } from '#console/ui/field.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'

const scope = 'access:admin'

/** The teams, each with its members. */
export function Teams() {
  const { data, isLoading, error, refresh } = useQuery(TeamsDocument, { first: 200 })
  const [isAdding, setAdding] = useState(false)
  if (isLoading) return <Loading />
  const teams = data?.teams.nodes ?? []
  return (
    <>
      <ErrorNote error={error} />
      <div className="row">
        <ScopedButton scope={scope} primary onClick={() => setAdding(true)}>
          New team
        </ScopedButton>
      </div>
      {teams.length === 0 && (
        <div className="card">
          <Empty title="There are no teams." />
        </div>
      )}
      {teams.map((team) => (
        <TeamCard key={team.id} team={team} onChanged={refresh} />
      ))}
      {isAdding && (
        <CreateDialog
          onClose={() => {
            setAdding(false)
            void refresh()
          }}
        />
      )}
    </>
  )
}

function TeamCard({
  team,
  onChanged,
}: {
  readonly team: TeamSummaryFragment
  readonly onChanged: () => Promise<void>
}) {
  const { slug, name, description } = team
  const { data, refresh } = useQuery(TeamDocument, { slug })
  const [isDeleting, setDeleting] = useState(false)
  const remove = useMutation(RemoveTeamMemberDocument)
  const drop = useMutation(DeleteTeamDocument)
  return (
    <Card
      title={name}
      actions={
        <ScopedButton scope={scope} small danger onClick={() => setDeleting(true)}>
          Delete
        </ScopedButton>
      }
    >
      <div className="stack">
        <p className="soft">{description || slug}</p>
        <ErrorNote error={remove.error} />
        <ul className="stack">
          {data?.team?.members.nodes.map(({ role, user }) => (
            <li key={user.id} className="row">
              {user.email} <span className="tag">{sentence(role)}</span>
              <ScopedButton
                scope={scope}
                small
                onClick={() => void remove.run({ slug, who: user.email }).then(refresh)}
              >
                Remove<span className="visually-hidden"> {user.email}</span>
              </ScopedButton>
            </li>
          ))}
        </ul>
        <AddMember slug={slug} onAdded={refresh} />
      </div>
      {isDeleting && (
        <Confirm
          title={`Delete ${name}?`}
          action="Delete team"
          danger
          isBusy={drop.isRunning}
          onConfirm={() => void drop.run({ slug }).then(onChanged)}
          onClose={() => setDeleting(false)}
        >
          <ErrorNote error={drop.error} />
          <p>Its members stay in the account.</p>
        </Confirm>
      )}
    </Card>
  )
}

function AddMember({ slug, onAdded }: { readonly slug: string; readonly onAdded: () => Promise<void> }) {
  const { run, isRunning, error } = useMutation(AddTeamMemberDocument)
  const [who, setWho] = useState('')
  async function add() {
    if ((await run({ input: { slug, who } })) === undefined) return
    setWho('')
    await onAdded()
  }
  return (
    <form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault()
        void add()
      }}
    >
      <input
        type="email"
        aria-label={`Email of a person to add to ${slug}`}
        placeholder="Email of a person to add"
        required
        value={who}
        onChange={(event) => setWho(event.target.value)}
      />
      <ScopedButton scope={scope} isBusy={isRunning}>
        Add
      </ScopedButton>
      <ErrorNote error={error} />
    </form>
  )
}

function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const { run, isRunning, error } = useMutation(CreateTeamDocument)
  const [form, setForm] = useState({ name: '', slug: '' })
  async function create() {
    if ((await run({ input: form })) !== undefined) onClose()
  }
  const fields = [
    ['name', 'Name', undefined],
    ['slug', 'Short name', 'Lower-case letters, digits and hyphens; it stays.'],
  ] as const
  return (
    <Confirm title="New team" action="Create" isBusy={isRunning} onConfirm={() => void create()} onClose={onClose}>
      <ErrorNote error={error} />
      <div>
        {fields.map(([name, label, hint]) => (
          <Field key={name} label={label} hint={hint}>
            {(id, describedBy) => (
              <input
                id={id}
                required
                aria-describedby={describedBy}
                value={form[name]}
                onChange={(event) => setForm({ ...form, [name]: event.target.value })}
              />
            )}
          </Field>
        ))}
      </div>
    </Confirm>
  )
}
