import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import { CreateWebhookDocument, type WebhookSummaryFragment, WebhooksDocument } from '#client/browser.ts'
import { useMutation, useQuery } from '#client/react/index.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { Button, ScopedButton } from '#console/ui/button.tsx'
import { Code } from '#console/ui/copy.tsx'
import { Confirm, Dialog } from '#console/ui/dialog.tsx'
import { Field } from '#console/ui/field.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Status } from '#console/ui/status.tsx'
import { Time } from '#console/ui/time.tsx'
import { Deliveries } from './deliveries.tsx'

const columns: readonly Column<WebhookSummaryFragment>[] = [
  {
    title: 'Webhook',
    cell: ({ id, name, url }) => (
      <>
        <Link href={`/webhooks/${id}`}>{name}</Link>
        <span className="cut soft small">{url}</span>
      </>
    ),
  },
  {
    title: 'Status',
    cell: ({ status, statusReason }) => (
      <>
        <Status value={status} />
        {statusReason && <span className="cut soft small">{statusReason}</span>}
      </>
    ),
  },
  { title: 'Events', isWide: true, cell: ({ events }) => <span className="cut">{events.join(', ')}</span> },
  { title: 'Delivered', isNumber: true, isWide: true, cell: ({ statistics }) => statistics.delivered },
  { title: 'Undelivered', isNumber: true, isWide: true, cell: ({ statistics }) => statistics.undelivered },
  { title: 'Last delivery', isWide: true, cell: ({ statistics }) => <Time at={statistics.lastDeliveryAt} /> },
]

export function WebhookList() {
  const query = useQuery(WebhooksDocument, { first: 200 }, { live: { types: ['webhook.*'] } })
  const [isCreating, setCreating] = useState(false)
  const list = { ...query, hasMore: false, isLoadingMore: false, loadMore: query.refresh }
  return (
    <Page
      title="Webhooks"
      actions={
        <ScopedButton scope="webhooks:admin" primary onClick={() => setCreating(true)}>
          New webhook
        </ScopedButton>
      }
    >
      <Card title="Endpoints" flush>
        <ListTable
          label="Webhooks"
          columns={columns}
          rows={query.data?.webhooks.nodes ?? []}
          idOf={({ id }) => id}
          list={list}
          empty={
            <Empty title="There are no webhooks yet.">
              <p>Register an endpoint, and Signalbox sends it what happens here.</p>
            </Empty>
          }
        />
      </Card>
      <Deliveries where={undefined} />
      <ApiHelp
        graphql={'query {\n  webhooks(first: 50) { nodes { id name url events status } }\n}'}
        rest={{ method: 'GET', path: '/api/webhooks' }}
        cli="signalbox webhook list"
      />
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
    </Page>
  )
}

function CreateDialog({ onClose }: { readonly onClose: () => void }) {
  const { run, isRunning, error } = useMutation(CreateWebhookDocument)
  const [form, setForm] = useState({ name: '', url: '', events: '' })
  const [made, setMade] = useState<{ id: string; secret: string } | undefined>()
  const [, navigate] = useLocation()

  async function create() {
    const events = form.events.split(/[\s,]+/).filter(Boolean)
    const created = await run({ input: { name: form.name, url: form.url, events } })
    if (created !== undefined) setMade({ id: created.webhook.id, secret: created.secret })
  }

  if (made !== undefined) return <SecretDialog {...made} onClose={() => navigate(`/webhooks/${made.id}`)} />
  const faultOf = (name: string) => error?.issues?.find(({ path }) => path.split('.')[0] === name)?.message
  const fields = [
    ['name', 'Name', undefined],
    ['url', 'Address', 'Where events are sent: an https address.'],
    ['events', 'Events', 'Types or families, separated by commas: task.completed, release.*'],
  ] as const
  return (
    <Confirm title="New webhook" action="Create" isBusy={isRunning} onConfirm={() => void create()} onClose={onClose}>
      <ErrorNote error={error} />
      <div>
        {fields.map(([name, label, hint]) => (
          <Field key={name} label={label} hint={hint} fault={faultOf(name)}>
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

/** A secret is shown once. */
export function SecretDialog({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }) {
  return (
    <Dialog title="Signing secret" onClose={onClose}>
      <div className="dialog stack">
        <h2>Signing secret</h2>
        <p>Receivers check signatures with it. It is shown this once: copy it now.</p>
        <Code text={secret} label="Secret" />
        <div className="buttons">
          <Button primary onClick={onClose}>
            I have it
          </Button>
        </div>
      </div>
    </Dialog>
  )
}
