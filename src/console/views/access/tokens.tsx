import { useState } from 'react'
import {
  type ApplicationTokenSummaryFragment,
  ApplicationTokensDocument,
  CreateApplicationTokenDocument,
  RevokeApplicationTokenDocument,
  RotateApplicationTokenDocument,
} from '#client/browser.ts'
import { useList, useMutation } from '#client/react/index.ts'
import { useMay, useSession } from '#console/session/session-context.ts'
import { Button } from '#console/ui/button.tsx'
import { Code } from '#console/ui/copy.tsx'
import { Confirm, Dialog } from '#console/ui/dialog.tsx'
import { Field } from '#console/ui/field.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { Status } from '#console/ui/status.tsx'
import { Time } from '#console/ui/time.tsx'

type Token = ApplicationTokenSummaryFragment
type Open = { readonly kind: 'create' } | { readonly kind: 'rotate' | 'revoke'; readonly token: Token }

/** Application tokens: all of the account for who manages them, one's own for others. */
export function Tokens() {
  const { session } = useSession()
  const isAdmin = useMay('access:admin')
  const variables = { owner: isAdmin ? null : session.name, first: 50 }
  const list = useList(`tokens ${JSON.stringify(variables)}`, {
    document: ApplicationTokensDocument,
    variables,
    select: ({ applicationTokens }) => applicationTokens,
    idOf: ({ id }) => id,
    follow: undefined,
  })
  const [open, setOpen] = useState<Open | undefined>()
  const [secret, setSecret] = useState<string | undefined>()
  const close = () => {
    setOpen(undefined)
    void list.refresh()
  }
  return (
    <Card
      title={isAdmin ? 'Application tokens' : 'Your personal tokens'}
      flush
      actions={
        <Button small primary onClick={() => setOpen({ kind: 'create' })}>
          New token
        </Button>
      }
    >
      <ListTable
        label="Application tokens"
        columns={columnsOf(setOpen)}
        rows={list.nodes}
        idOf={({ id }) => id}
        list={list}
        empty={<Empty title="There are no tokens." />}
      />
      {open?.kind === 'create' && <CreateDialog isPersonal={!isAdmin} onMade={setSecret} onClose={close} />}
      {open?.kind === 'rotate' && <RotateDialog token={open.token} onMade={setSecret} onClose={close} />}
      {open?.kind === 'revoke' && <RevokeDialog token={open.token} onClose={close} />}
      {secret !== undefined && <TokenDialog token={secret} onClose={() => setSecret(undefined)} />}
    </Card>
  )
}

function columnsOf(onOpen: (open: Open) => void): readonly Column<Token>[] {
  return [
    {
      title: 'Token',
      cell: ({ name, owner }) => (
        <>
          {name}
          {owner && <div className="soft small">of {owner.name}</div>}
        </>
      ),
    },
    { title: 'Status', cell: ({ status }) => <Status value={status} /> },
    { title: 'Scopes', isWide: true, cell: ({ scopes }) => <span className="cut">{scopes.join(', ')}</span> },
    { title: 'Last used', isWide: true, cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    { title: 'Expires', isWide: true, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
    {
      title: 'Actions',
      cell: (token) =>
        token.status === 'ACTIVE' && (
          <span className="row">
            <Button small onClick={() => onOpen({ kind: 'rotate', token })}>
              Rotate<span className="visually-hidden"> {token.name}</span>
            </Button>
            <Button small danger onClick={() => onOpen({ kind: 'revoke', token })}>
              Revoke<span className="visually-hidden"> {token.name}</span>
            </Button>
          </span>
        ),
    },
  ]
}

interface DialogProps {
  readonly onClose: () => void
}

interface MakingProps extends DialogProps {
  readonly onMade: (token: string) => void
}

function CreateDialog({ isPersonal, onMade, onClose }: MakingProps & { readonly isPersonal: boolean }) {
  const { session } = useSession()
  const { run, isRunning, error } = useMutation(CreateApplicationTokenDocument)
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState('tasks:read')
  const [days, setDays] = useState(30)
  async function create() {
    const input = { name, scopes: scopes.split(/[\s,]+/).filter(Boolean), expiresInDays: days, personal: isPersonal }
    const made = await run({ input })
    if (made === undefined) return
    onMade(made.token)
    onClose()
  }
  return (
    <Confirm title="New token" action="Create" isBusy={isRunning} onConfirm={() => void create()} onClose={onClose}>
      <ErrorNote error={error} />
      <div>
        <Field label="Name">
          {(id) => <input id={id} required value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label="Scopes" hint={`Separated by blanks; at most yours: ${session.scopes.join(' ')}`}>
          {(id, describedBy) => (
            <input
              id={id}
              required
              aria-describedby={describedBy}
              value={scopes}
              onChange={(event) => setScopes(event.target.value)}
            />
          )}
        </Field>
        <Field label="Days until it expires">
          {(id) => (
            <input
              id={id}
              type="number"
              min={1}
              required
              value={days}
              onChange={(event) => setDays(Number(event.target.value))}
            />
          )}
        </Field>
      </div>
    </Confirm>
  )
}

function RotateDialog({ token, onMade, onClose }: MakingProps & { readonly token: Token }) {
  const { run, isRunning, error } = useMutation(RotateApplicationTokenDocument)
  const [overlapMs, setOverlap] = useState(60 * 60 * 1000)
  async function rotate() {
    const made = await run({ input: { id: token.id, overlapMs } })
    if (made === undefined) return
    onMade(made.token)
    onClose()
  }
  return (
    <Confirm
      title={`Rotate ${token.name}?`}
      action="Rotate"
      isBusy={isRunning}
      onConfirm={() => void rotate()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <label className="row">
        The old one stays valid for
        <select value={overlapMs} onChange={(event) => setOverlap(Number(event.target.value))}>
          <option value={0}>no time</option>
          <option value={60 * 60 * 1000}>an hour</option>
          <option value={24 * 60 * 60 * 1000}>a day</option>
        </select>
      </label>
    </Confirm>
  )
}

function RevokeDialog({ token, onClose }: DialogProps & { readonly token: Token }) {
  const { run, isRunning, error } = useMutation(RevokeApplicationTokenDocument)
  const [reason, setReason] = useState('')
  async function revoke() {
    if ((await run({ input: { id: token.id, reason: reason || null } })) !== undefined) onClose()
  }
  return (
    <Confirm
      title={`Revoke ${token.name}?`}
      action="Revoke token"
      danger
      isBusy={isRunning}
      onConfirm={() => void revoke()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <p>It ends at once, with everything that runs under it, and stays revoked.</p>
      <Field label="Reason" hint="For the audit log; may be empty.">
        {(id) => <input id={id} value={reason} onChange={(event) => setReason(event.target.value)} />}
      </Field>
    </Confirm>
  )
}

function TokenDialog({ token, onClose }: DialogProps & { readonly token: string }) {
  return (
    <Dialog title="New token" onClose={onClose}>
      <div className="dialog stack">
        <h2>New token</h2>
        <p>It is shown this once: copy it now.</p>
        <Code text={token} label="Token" />
        <div className="buttons">
          <Button primary onClick={onClose}>
            I have it
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
