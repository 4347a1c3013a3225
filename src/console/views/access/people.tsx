import { useState } from 'react'
import {
  CreateUserDocument,
  type PersonRole,
  RemoveUserDocument,
  SetPasswordDocument,
  UpdateUserDocument,
  type UserSummaryFragment,
  UsersDocument,
} from '#client/browser.ts'
import { useMutation, useQuery } from '#client/react/index.ts'
import { ScopedButton } from '#console/ui/button.tsx'
import { Confirm } from '#console/ui/dialog.tsx'
import { Field } from '#console/ui/field.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'
import { Time } from '#console/ui/time.tsx'

const scope = 'access:admin'
const roles: readonly PersonRole[] = ['MEMBER', 'OWNER']

type Open =
  | { readonly kind: 'add' }
  | { readonly kind: 'edit' | 'password' | 'remove'; readonly user: UserSummaryFragment }

/** The people of the account. */
export function People() {
  const query = useQuery(UsersDocument, { first: 200 })
  const [open, setOpen] = useState<Open | undefined>()
  const close = () => {
    setOpen(undefined)
    void query.refresh()
  }
  const columns: readonly Column<UserSummaryFragment>[] = [
    {
      title: 'Person',
      cell: ({ email, firstName, lastName }) => (
        <>
          {email}
          <div className="soft small">{`${firstName} ${lastName}`.trim()}</div>
        </>
      ),
    },
    { title: 'Role', cell: ({ role }) => sentence(role) },
    {
      title: 'Teams',
      isWide: true,
      cell: ({ memberships }) => memberships.map(({ team }) => team.slug).join(', ') || '–',
    },
    { title: 'Last sign-in', isWide: true, cell: ({ lastSignInAt }) => <Time at={lastSignInAt} /> },
    {
      title: 'Actions',
      cell: (user) => (
        <span className="row">
          {(['edit', 'password', 'remove'] as const).map((kind) => (
            <ScopedButton
              key={kind}
              scope={scope}
              small
              danger={kind === 'remove'}
              onClick={() => setOpen({ kind, user })}
            >
              {sentence(kind)}
              <span className="visually-hidden"> {user.email}</span>
            </ScopedButton>
          ))}
        </span>
      ),
    },
  ]
  return (
    <Card
      title="People"
      flush
      actions={
        <ScopedButton scope={scope} small primary onClick={() => setOpen({ kind: 'add' })}>
          Add a person
        </ScopedButton>
      }
    >
      <ListTable
        label="People"
        columns={columns}
        rows={query.data?.users.nodes ?? []}
        idOf={({ id }) => id}
        list={{ ...query, hasMore: false, isLoadingMore: false, loadMore: query.refresh }}
        empty={<Empty title="Nobody but tokens uses this account yet." />}
      />
      {open?.kind === 'add' && <AddDialog onClose={close} />}
      {open?.kind === 'edit' && <EditDialog user={open.user} onClose={close} />}
      {open?.kind === 'password' && <PasswordDialog user={open.user} onClose={close} />}
      {open?.kind === 'remove' && <RemoveDialog user={open.user} onClose={close} />}
    </Card>
  )
}

interface DialogProps {
  readonly onClose: () => void
}

type PersonDialogProps = DialogProps & { readonly user: UserSummaryFragment }

function RoleField({ role, onChange }: { readonly role: PersonRole; readonly onChange: (role: PersonRole) => void }) {
  return (
    <Field label="Role">
      {(id) => (
        <select id={id} value={role} onChange={(event) => onChange(event.target.value as PersonRole)}>
          {roles.map((one) => (
            <option key={one} value={one}>
              {sentence(one)}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

function AddDialog({ onClose }: DialogProps) {
  const { run, isRunning, error } = useMutation(CreateUserDocument)
  const [email, setEmail] = useState('')
  const [role, setRole] = useState<PersonRole>('MEMBER')
  async function add() {
    if ((await run({ input: { email, role } })) !== undefined) onClose()
  }
  return (
    <Confirm title="Add a person" action="Add" isBusy={isRunning} onConfirm={() => void add()} onClose={onClose}>
      <ErrorNote error={error} />
      <div>
        <Field label="Email" hint="They sign in at the identity provider, or with a password that you set next.">
          {(id, describedBy) => (
            <input
              id={id}
              type="email"
              required
              aria-describedby={describedBy}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <RoleField role={role} onChange={setRole} />
      </div>
    </Confirm>
  )
}

function EditDialog({ user, onClose }: PersonDialogProps) {
  const { run, isRunning, error } = useMutation(UpdateUserDocument)
  const [form, setForm] = useState({ firstName: user.firstName, lastName: user.lastName, role: user.role })
  async function save() {
    if ((await run({ input: { who: user.email, ...form } })) !== undefined) onClose()
  }
  const names = [
    ['firstName', 'First name'],
    ['lastName', 'Last name'],
  ] as const
  return (
    <Confirm
      title={`Edit ${user.email}`}
      action="Save"
      isBusy={isRunning}
      onConfirm={() => void save()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <div>
        {names.map(([name, label]) => (
          <Field key={name} label={label}>
            {(id) => (
              <input
                id={id}
                value={form[name]}
                onChange={(event) => setForm({ ...form, [name]: event.target.value })}
              />
            )}
          </Field>
        ))}
        <RoleField role={form.role} onChange={(role) => setForm({ ...form, role })} />
      </div>
    </Confirm>
  )
}

function PasswordDialog({ user, onClose }: PersonDialogProps) {
  const { run, isRunning, error } = useMutation(SetPasswordDocument)
  const [password, setPassword] = useState('')
  async function save() {
    if ((await run({ input: { who: user.email, password } })) !== undefined) onClose()
  }
  return (
    <Confirm
      title={`Set the password of ${user.email}`}
      action="Set password"
      isBusy={isRunning}
      onConfirm={() => void save()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <Field label="New password" hint="Their sessions end.">
        {(id, describedBy) => (
          <input
            id={id}
            type="password"
            autoComplete="new-password"
            required
            aria-describedby={describedBy}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        )}
      </Field>
    </Confirm>
  )
}

function RemoveDialog({ user, onClose }: PersonDialogProps) {
  const { run, isRunning, error } = useMutation(RemoveUserDocument)
  async function remove() {
    if ((await run({ who: user.email })) !== undefined) onClose()
  }
  return (
    <Confirm
      title={`Remove ${user.email}?`}
      action="Remove person"
      danger
      isBusy={isRunning}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <p>Their sessions and personal tokens end at once. What they did stays in the audit log.</p>
    </Confirm>
  )
}
