import { type FormEvent, useState } from 'react'
import { SetPasswordDocument } from '#client/browser.ts'
import { useMutation } from '#client/react/index.ts'
import { useSession } from '#console/session/session-context.ts'
import { Button } from '#console/ui/button.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { Field } from '#console/ui/field.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'

/** Who one is here, and one's own password. */
export function Profile() {
  const { session } = useSession()
  return (
    <div className="halves">
      <Card title="You">
        <Facts
          facts={[
            ['Name', session.name],
            ['Kind', session.kind === 'user' ? 'A person' : 'An application token'],
            ['Role', sentence(session.role)],
            ['Account', session.account.name],
            [
              'Scopes',
              <span key="scopes" className="row">
                {session.scopes.map((scope) => (
                  <span key={scope} className="tag">
                    {scope}
                  </span>
                ))}
              </span>,
            ],
          ]}
        />
      </Card>
      {session.kind === 'user' && <PasswordCard who={session.name} />}
    </div>
  )
}

function PasswordCard({ who }: { readonly who: string }) {
  const { run, isRunning, error } = useMutation(SetPasswordDocument)
  const [form, setForm] = useState({ current: '', next: '' })
  async function save(event: FormEvent) {
    event.preventDefault()
    await run({ input: { who, password: form.next, presentPassword: form.current } })
  }
  return (
    <Card title="Password">
      <form onSubmit={(event) => void save(event)}>
        <ErrorNote error={error} />
        <Field label="Current password">
          {(id) => (
            <input
              id={id}
              type="password"
              autoComplete="current-password"
              required
              value={form.current}
              onChange={(event) => setForm({ ...form, current: event.target.value })}
            />
          )}
        </Field>
        <Field label="New password" hint="All your sessions end, this one too.">
          {(id, describedBy) => (
            <input
              id={id}
              type="password"
              autoComplete="new-password"
              required
              aria-describedby={describedBy}
              value={form.next}
              onChange={(event) => setForm({ ...form, next: event.target.value })}
            />
          )}
        </Field>
        <Button isBusy={isRunning}>Change password</Button>
      </form>
    </Card>
  )
}
