import { useState } from 'react'
import {
  AuditEntriesDocument,
  type AuditEntryDetailsFragment,
  type AuditFilter,
  type AuditOutcome,
  AuditVerificationDocument,
} from '#client/browser.ts'
import { useClient, useList } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { Button } from '#console/ui/button.tsx'
import { Dialog } from '#console/ui/dialog.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Status, sentence } from '#console/ui/status.tsx'
import { Subject } from '#console/ui/subject.tsx'
import { Time } from '#console/ui/time.tsx'

const outcomes: readonly AuditOutcome[] = ['SUCCEEDED', 'REFUSED', 'FAILED']
const textFilters = [
  ['type', 'Types, such as auth.*'],
  ['actor', 'Actor'],
  ['subject', 'Subject'],
  ['address', 'Address'],
] as const

/** Who did what, from where and by what right. */
export default function Audit() {
  const params = useParams()
  const where = filterOf(params)
  const variables = { where, first: 50 }
  const list = useList(`audit ${JSON.stringify(variables)}`, {
    document: AuditEntriesDocument,
    variables,
    select: ({ auditEntries }) => auditEntries,
    idOf: ({ seq }) => String(seq),
    follow: undefined,
  })
  const [shown, setShown] = useState<AuditEntryDetailsFragment | undefined>()
  const columns: readonly Column<AuditEntryDetailsFragment>[] = [
    { title: 'At', cell: ({ at }) => <Time at={at} /> },
    {
      title: 'What',
      cell: (entry) => (
        <>
          <button type="button" className="link" onClick={() => setShown(entry)}>
            {entry.type}
          </button>
          <div className="small">
            <Subject subject={entry.subject} />
          </div>
        </>
      ),
    },
    { title: 'Who', cell: ({ actor }) => actor.name },
    { title: 'From', isWide: true, cell: ({ address }) => address ?? '–' },
    { title: 'Outcome', cell: ({ outcome }) => <Status value={outcome} /> },
  ]
  return (
    <Page
      title="Audit"
      actions={
        <>
          <Button onClick={() => void list.refresh()}>Refresh</Button>
          <Verification />
        </>
      }
    >
      <Filters />
      <Card title="Entries" flush>
        <ListTable
          label="Audit entries"
          columns={columns}
          rows={list.nodes}
          idOf={({ seq }) => String(seq)}
          list={list}
          empty={<Empty title="No entry matches these filters." />}
        />
      </Card>
      <ApiHelp
        graphql={`query ($where: AuditFilter) {\n  auditEntries(where: $where, first: 50) { nodes { seq at type actor { name } subject outcome } }\n}\n\n# variables\n${JSON.stringify({ where: where ?? null }, null, 2)}`}
        rest={{ method: 'GET', path: '/api/audit' }}
        cli="signalbox audit list"
      />
      {shown && <EntryDialog entry={shown} onClose={() => setShown(undefined)} />}
    </Page>
  )
}

function filterOf({ get }: Pick<ReturnType<typeof useParams>, 'get'>): AuditFilter | undefined {
  const outcome = outcomes.filter((one) => one === get('outcome'))
  const filter = {
    ...(get('type') !== '' && { types: get('type').split(/[\s,]+/) }),
    ...(get('actor') !== '' && { actor: get('actor') }),
    ...(get('subject') !== '' && { subject: get('subject') }),
    ...(get('address') !== '' && { address: get('address') }),
    ...(outcome.length > 0 && { outcomes: outcome }),
  }
  return Object.keys(filter).length === 0 ? undefined : filter
}

function Filters() {
  const params = useParams()
  return (
    <search>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          const form = new FormData(event.currentTarget)
          params.set(Object.fromEntries(textFilters.map(([name]) => [name, String(form.get(name) ?? '').trim()])))
        }}
      >
        {textFilters.map(([name, label]) => (
          <input
            key={`${name} ${params.get(name)}`}
            name={name}
            aria-label={label}
            placeholder={label}
            defaultValue={params.get(name)}
          />
        ))}
        <select
          aria-label="Outcome"
          value={params.get('outcome')}
          onChange={(event) => params.set({ outcome: event.target.value })}
        >
          <option value="">All outcomes</option>
          {outcomes.map((outcome) => (
            <option key={outcome} value={outcome}>
              {sentence(outcome)}
            </option>
          ))}
        </select>
        <button type="submit" className="button">
          Apply
        </button>
      </form>
    </search>
  )
}

function EntryDialog({ entry, onClose }: { readonly entry: AuditEntryDetailsFragment; readonly onClose: () => void }) {
  const { seq, at, type, actor, subject, credential, address, userAgent, operation, scopes, data, hash, requestId } =
    entry
  return (
    <Dialog title={type} onClose={onClose}>
      <div className="dialog stack">
        <h2>{type}</h2>
        <Facts
          facts={[
            ['Number', seq],
            ['At', <Time key="at" at={at} />],
            ['Who', `${actor.name} (${actor.kind})`],
            ['Subject', <Subject key="subject" subject={subject} />],
            ['Credential', credential && `${credential.kind} ${credential.id}`],
            ['From', address],
            ['Program', userAgent],
            ['Operation', operation?.name],
            ['Scopes used', scopes.join(', ')],
            ['Request', requestId],
            ['Hash', <code key="hash">{hash}</code>],
          ]}
        />
        <JsonView value={data} label="Data" />
        <div className="buttons">
          <Button onClick={onClose}>Close</Button>
        </div>
      </div>
    </Dialog>
  )
}

/** Checks the chain of entries, page by page, to its end. */
function Verification() {
  const client = useClient()
  const [state, setState] = useState<string | undefined>()
  const [isRunning, setRunning] = useState(false)
  async function verify() {
    setRunning(true)
    try {
      let checked = 0
      let faults = 0
      let message = ''
      for (let after: string | undefined; ; ) {
        const { auditVerification: page } = await client.request(AuditVerificationDocument, { after })
        checked += page.checked
        faults += page.faultCount
        message ||= page.faults[0]?.message ?? ''
        setState(`${checked} entries checked…`)
        if (page.cursor == null) break
        after = page.cursor
      }
      setState(faults === 0 ? `All ${checked} entries are as they were written.` : `${faults} faults: ${message}`)
    } catch (error) {
      setState((error as Error).message)
    } finally {
      setRunning(false)
    }
  }
  return (
    <>
      <span role="status" className="soft small">
        {state}
      </span>
      <Button isBusy={isRunning} onClick={() => void verify()}>
        Verify
      </Button>
    </>
  )
}
