import { Link } from 'wouter'
import type { DeliveryFilter, DeliveryStatus, DeliverySummaryFragment } from '#client/browser.ts'
import { useDeliveries } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { Status, sentence } from '#console/ui/status.tsx'
import { Subject } from '#console/ui/subject.tsx'
import { Time } from '#console/ui/time.tsx'

const statuses: readonly DeliveryStatus[] = ['PENDING', 'ACTIVE', 'DELIVERED', 'FAILED', 'CANCELLED', 'SKIPPED']

const columns: readonly Column<DeliverySummaryFragment>[] = [
  {
    title: 'Event',
    cell: ({ id, eventType, subject }) => (
      <>
        <Link href={`/webhooks/deliveries/${id}`}>{eventType}</Link>
        <div className="small">
          <Subject subject={subject} />
        </div>
      </>
    ),
  },
  { title: 'Status', cell: ({ status }) => <Status value={status} isRunning /> },
  { title: 'Outcome', isWide: true, cell: ({ outcome, responseStatus }) => responseStatus ?? outcome ?? '–' },
  { title: 'Attempts', isNumber: true, isWide: true, cell: ({ attempt }) => attempt },
  {
    title: 'Webhook',
    isWide: true,
    cell: ({ webhook }) => <Link href={`/webhooks/${webhook.id}`}>{webhook.name}</Link>,
  },
  { title: 'At', cell: ({ createdAt }) => <Time at={createdAt} /> },
]

/** Deliveries as they are attempted, newest event first. */
export function Deliveries({ where }: { readonly where: DeliveryFilter | undefined }) {
  const params = useParams()
  const status = statuses.filter((one) => one === params.get('status'))
  const list = useDeliveries({ where: status.length > 0 ? { ...where, status } : where })
  return (
    <Card
      title="Deliveries"
      flush
      actions={
        <select
          aria-label="Status of deliveries"
          value={params.get('status')}
          onChange={(event) => params.set({ status: event.target.value })}
        >
          <option value="">All</option>
          {statuses.map((one) => (
            <option key={one} value={one}>
              {sentence(one)}
            </option>
          ))}
        </select>
      }
    >
      <ListTable
        label="Deliveries"
        columns={columns}
        rows={list.nodes}
        idOf={({ id }) => id}
        list={list}
        empty={<Empty title="Nothing was delivered yet." />}
      />
    </Card>
  )
}
