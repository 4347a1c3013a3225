import { Link } from 'wouter'
import { DeliveryDocument, type DeliveryQuery, RedeliverDocument } from '#client/browser.ts'
import { useDeliveries, useMutation, useQuery } from '#client/react/index.ts'
import { ScopedButton } from '#console/ui/button.tsx'
import { Code } from '#console/ui/copy.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Status } from '#console/ui/status.tsx'
import { Subject } from '#console/ui/subject.tsx'
import { duration, Time } from '#console/ui/time.tsx'

type Delivery = NonNullable<DeliveryQuery['delivery']>

/** One event for one webhook: each attempt with what the receiver answered. */
export function DeliveryPage({ id }: { readonly id: string }) {
  const { data, isLoading, error, refresh } = useQuery(DeliveryDocument, { id }, { live: { types: ['webhook.*'] } })
  const redeliver = useMutation(RedeliverDocument)
  const delivery = data?.delivery
  const crumbs = [
    { title: 'Webhooks', href: '/webhooks' },
    ...(delivery ? [{ title: delivery.webhook.name, href: `/webhooks/${delivery.webhook.id}` }] : []),
  ]
  if (isLoading) return <Loading />
  if (delivery == null)
    return (
      <Page title="Delivery" crumbs={crumbs}>
        <ErrorNote error={error} />
        <p className="note">There is no such delivery any more.</p>
      </Page>
    )
  return (
    <Page
      title={delivery.eventType}
      crumbs={crumbs}
      actions={
        <ScopedButton
          scope="webhooks:admin"
          primary
          isBusy={redeliver.isRunning}
          onClick={() => void redeliver.run({ input: { deliveryId: id } }).then(refresh)}
        >
          Redeliver
        </ScopedButton>
      }
    >
      <ErrorNote error={redeliver.error ?? error} />
      <Watch delivery={delivery} onChanged={refresh} />
      <div className="split">
        <div className="stack">
          {delivery.attempts.length === 0 && <Empty title="It was not attempted yet." />}
          {[...delivery.attempts].reverse().map((attempt) => (
            <Attempt key={attempt.number} attempt={attempt} />
          ))}
        </div>
        <Card title="Delivery">
          <Facts
            facts={[
              ['Status', <Status key="status" value={delivery.status} isRunning />],
              ['Subject', <Subject key="subject" subject={delivery.subject} />],
              [
                'Webhook',
                <Link key="webhook" href={`/webhooks/${delivery.webhook.id}`}>
                  {delivery.webhook.name}
                </Link>,
              ],
              ['Created', <Time key="created" at={delivery.createdAt} />],
              ['Next attempt', delivery.nextAttemptAt && <Time key="next" at={delivery.nextAttemptAt} />],
              ['Id', <code key="id">{delivery.id}</code>],
            ]}
          />
        </Card>
      </div>
    </Page>
  )
}

/** Fetches the delivery again when the list of its webhook shows it in another state. */
function Watch({ delivery, onChanged }: { readonly delivery: Delivery; readonly onChanged: () => Promise<void> }) {
  const { id, webhook, subject, status, attempt } = delivery
  const list = useDeliveries({ where: { webhookId: webhook.id, subject } })
  const now = list.nodes.find((one) => one.id === id)
  if (now !== undefined && (now.status !== status || now.attempt !== attempt)) queueMicrotask(() => void onChanged())
  return null
}

function Attempt({ attempt }: { readonly attempt: Delivery['attempts'][number] }) {
  const { number, at, durationMs, outcome, responseStatus, responseHeaders, responseBody, error } = attempt
  return (
    <Card title={`Attempt ${number}`}>
      <div className="stack">
        <Facts
          facts={[
            ['At', <Time key="at" at={at} />],
            ['Took', duration(durationMs)],
            ['Outcome', outcome],
            ['Answer', responseStatus],
            ['Error', error],
          ]}
        />
        {responseHeaders != null && (
          <details>
            <summary>Headers of the answer</summary>
            <JsonView value={responseHeaders} label="Headers" />
          </details>
        )}
        {responseBody && <Code text={responseBody} label="Body of the answer" />}
      </div>
    </Card>
  )
}
