import { type ReactNode, useState } from 'react'
import { useLocation } from 'wouter'
import {
  DeleteWebhookDocument,
  RedeliverDocument,
  RotateWebhookSecretDocument,
  TestWebhookDocument,
  UpdateWebhookDocument,
  WebhookDocument,
  type WebhookQuery,
} from '#client/browser.ts'
import { useMutation, useQuery } from '#client/react/index.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { ScopedButton } from '#console/ui/button.tsx'
import { Confirm } from '#console/ui/dialog.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Status, sentence } from '#console/ui/status.tsx'
import { duration, Time } from '#console/ui/time.tsx'
import { Deliveries } from './deliveries.tsx'
import { SecretDialog } from './webhook-list.tsx'

type Webhook = NonNullable<WebhookQuery['webhook']>

const scope = 'webhooks:admin'
const crumbs = [{ title: 'Webhooks', href: '/webhooks' }]

export function WebhookPage({ id }: { readonly id: string }) {
  const live = { types: ['webhook.*'], subject: `webhook:${id}` }
  const { data, isLoading, error, refresh } = useQuery(WebhookDocument, { id }, { live })
  const webhook = data?.webhook
  if (isLoading) return <Loading />
  if (webhook == null)
    return (
      <Page title="Webhook" crumbs={crumbs}>
        <ErrorNote error={error} />
        <p className="note">There is no such webhook any more.</p>
      </Page>
    )
  return (
    <Page title={webhook.name} crumbs={crumbs} actions={<Actions webhook={webhook} onChanged={refresh} />}>
      <ErrorNote error={error} />
      {webhook.eventWarnings.map((warning) => (
        <p key={warning} className="note warn">
          {warning}
        </p>
      ))}
      <div className="halves">
        <Card title="Endpoint">
          <Facts facts={factsOf(webhook)} />
        </Card>
        <Card title="Statistics">
          <Facts facts={statisticsOf(webhook)} />
        </Card>
      </div>
      {webhook.filter != null && (
        <Card title="Filter">
          <JsonView value={webhook.filter} label="Filter" />
        </Card>
      )}
      <Deliveries where={{ webhookId: id }} />
      <ApiHelp
        graphql={`query {\n  webhook(id: "${id}") { name url events status statistics { delivered undelivered } }\n}`}
        rest={{ method: 'GET', path: `/api/webhooks/${id}` }}
        cli={`signalbox webhook deliveries ${id}`}
      />
    </Page>
  )
}

function factsOf(webhook: Webhook): readonly (readonly [string, ReactNode])[] {
  const { retry, statusReason } = webhook
  return [
    ['Address', `${webhook.method} ${webhook.url}`],
    ['Status', <Status key="status" value={webhook.status} />],
    ['Because', statusReason],
    ['Events', webhook.events.join(', ')],
    ['Format', sentence(webhook.format)],
    ['Signing', webhook.signing],
    ['Order', sentence(webhook.order)],
    ['Attempts', `at most ${retry.maxAttempts}, ${sentence(retry.backoff).toLowerCase()}`],
    ['Time limit', duration(webhook.timeoutMs)],
    ['At once', webhook.concurrency],
    ['Each second', webhook.ratePerSecond],
    ['Acts as', webhook.maker.actor.name],
    ['Created', <Time key="created" at={webhook.createdAt} />],
  ]
}

function statisticsOf({ statistics }: Webhook): readonly (readonly [string, ReactNode])[] {
  return [
    ['Waiting', statistics.waiting],
    ['Delivered', statistics.delivered],
    ['Undelivered', statistics.undelivered],
    ['Attempts', statistics.attempts],
    ['Failed attempts', statistics.failedAttempts],
    ['Failures in a row', statistics.failuresInARow],
    ['Average time', statistics.averageMs == null ? '–' : duration(statistics.averageMs)],
    ['Last delivery', <Time key="delivery" at={statistics.lastDeliveryAt} />],
    ['Last failure', <Time key="failure" at={statistics.lastFailureAt} />],
  ]
}

interface ActionsProps {
  readonly webhook: Webhook
  readonly onChanged: () => Promise<void>
}

function Actions({ webhook, onChanged }: ActionsProps) {
  const { id, status } = webhook
  const test = useMutation(TestWebhookDocument)
  const update = useMutation(UpdateWebhookDocument)
  const [open, setOpen] = useState<'delete' | 'rotate' | 'redeliver' | undefined>()
  const [, navigate] = useLocation()
  const close = () => setOpen(undefined)

  async function sendTest() {
    const sent = await test.run({ input: { id } })
    if (sent !== undefined) navigate(`/webhooks/deliveries/${sent.deliveryId}`)
  }

  return (
    <>
      <ErrorNote error={test.error ?? update.error} />
      <ScopedButton scope={scope} isBusy={test.isRunning} onClick={() => void sendTest()}>
        Send a test
      </ScopedButton>
      <ScopedButton
        scope={scope}
        isBusy={update.isRunning}
        onClick={() =>
          void update.run({ input: { id, status: status === 'ACTIVE' ? 'INACTIVE' : 'ACTIVE' } }).then(onChanged)
        }
      >
        {status === 'ACTIVE' ? 'Pause' : 'Resume'}
      </ScopedButton>
      <ScopedButton scope={scope} onClick={() => setOpen('redeliver')}>
        Redeliver failed
      </ScopedButton>
      <ScopedButton scope={scope} onClick={() => setOpen('rotate')}>
        Rotate secret
      </ScopedButton>
      <ScopedButton scope={scope} danger onClick={() => setOpen('delete')}>
        Delete
      </ScopedButton>
      {open === 'redeliver' && <RedeliverDialog id={id} onClose={close} />}
      {open === 'rotate' && <RotateDialog id={id} onClose={close} />}
      {open === 'delete' && <DeleteDialog webhook={webhook} onClose={close} />}
    </>
  )
}

interface DialogProps {
  readonly onClose: () => void
}

const dayMs = 24 * 60 * 60 * 1000

/** First says how many there are, then sends them again. */
function RedeliverDialog({ id, onClose }: DialogProps & { readonly id: string }) {
  const { run, isRunning, error } = useMutation(RedeliverDocument)
  const [days, setDays] = useState(1)
  const [count, setCount] = useState<string | undefined>()
  const [isDone, setDone] = useState(false)
  async function redeliver(dryRun: boolean) {
    const failedSince = new Date(Date.now() - days * dayMs).toISOString()
    const result = await run({ input: { webhookId: id, failedSince, dryRun } })
    if (result === undefined) return
    const amount = `${result.count}${result.isMore ? ' or more' : ''}`
    setCount(dryRun ? `${amount} deliveries would be sent again.` : `${amount} deliveries are sent again.`)
    setDone(!dryRun)
  }
  const isCounted = count !== undefined
  return (
    <Confirm
      title="Redeliver what failed"
      action={isDone ? 'Close' : isCounted ? 'Send them again' : 'Count them'}
      isBusy={isRunning}
      onConfirm={() => (isDone ? onClose() : void redeliver(!isCounted))}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <label className="row">
        Failed in the last
        <select
          value={days}
          onChange={(event) => {
            setDays(Number(event.target.value))
            setCount(undefined)
          }}
        >
          {[1, 3, 7, 14].map((number) => (
            <option key={number} value={number}>
              {number} {number === 1 ? 'day' : 'days'}
            </option>
          ))}
        </select>
      </label>
      <p role="status">{count}</p>
    </Confirm>
  )
}

function RotateDialog({ id, onClose }: DialogProps & { readonly id: string }) {
  const { run, isRunning, error } = useMutation(RotateWebhookSecretDocument)
  const [secret, setSecret] = useState<string | undefined>()
  const [overlapMs, setOverlap] = useState(dayMs)
  if (secret !== undefined) return <SecretDialog secret={secret} onClose={onClose} />
  return (
    <Confirm
      title="Rotate the signing secret?"
      action="Rotate"
      isBusy={isRunning}
      onConfirm={() => void run({ input: { id, overlapMs } }).then((made) => setSecret(made?.secret))}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <label className="row">
        Sign with both secrets for
        <select value={overlapMs} onChange={(event) => setOverlap(Number(event.target.value))}>
          <option value={0}>no time</option>
          <option value={60 * 60 * 1000}>an hour</option>
          <option value={dayMs}>a day</option>
        </select>
      </label>
    </Confirm>
  )
}

function DeleteDialog({ webhook, onClose }: DialogProps & { readonly webhook: Webhook }) {
  const { run, isRunning, error } = useMutation(DeleteWebhookDocument)
  const [, navigate] = useLocation()
  async function remove() {
    if ((await run({ id: webhook.id })) !== undefined) navigate('/webhooks')
  }
  return (
    <Confirm
      title={`Delete ${webhook.name}?`}
      action="Delete webhook"
      danger
      isBusy={isRunning}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <p>Deliveries that wait for it are cancelled.</p>
    </Confirm>
  )
}
