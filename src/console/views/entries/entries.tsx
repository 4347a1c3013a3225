import { useState } from 'react'
import { Link, Route, Switch, useLocation } from 'wouter'
import {
  DeleteEntryDocument,
  EntryHistoryDocument,
  type EntrySummaryFragment,
  SetEntryDocument,
} from '#client/browser.ts'
import { useEntries, useEntry, useMutation, useQuery } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { ApiHelp, shellText } from '#console/ui/api-help.tsx'
import { ScopedButton } from '#console/ui/button.tsx'
import { Confirm } from '#console/ui/dialog.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { Field } from '#console/ui/field.tsx'
import { JsonField, parseJson } from '#console/ui/json-field.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { PrefixSearch } from '#console/ui/prefix-search.tsx'
import { sentence } from '#console/ui/status.tsx'
import { Time } from '#console/ui/time.tsx'

const scope = 'entries:write'

/** Key-value entries, and each with its history. */
export default function Entries() {
  return (
    <Switch>
      <Route path="/entries">
        <EntryList />
      </Route>
      <Route path="/entries/*">{(params) => <EntryPage key={params['*']} entryKey={decode(params['*'])} />}</Route>
    </Switch>
  )
}

function hrefOf(key: string): string {
  return `/entries/${key.split('/').map(encodeURIComponent).join('/')}`
}

function decode(path: string | undefined): string {
  try {
    return decodeURIComponent(path ?? '')
  } catch {
    return path ?? ''
  }
}

const columns: readonly Column<EntrySummaryFragment>[] = [
  { title: 'Key', cell: ({ key }) => <Link href={hrefOf(key)}>{key}</Link> },
  { title: 'Value', cell: ({ value }) => <code className="cut">{JSON.stringify(value)}</code> },
  { title: 'Version', isNumber: true, isWide: true, cell: ({ version }) => version },
  { title: 'Updated', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
  { title: 'Expires', isWide: true, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
]

function EntryList() {
  const prefix = useParams().get('prefix')
  const list = useEntries({ prefix })
  const [isAdding, setAdding] = useState(false)
  return (
    <Page
      title="Entries"
      actions={
        <ScopedButton scope={scope} primary onClick={() => setAdding(true)}>
          New entry
        </ScopedButton>
      }
    >
      <PrefixSearch label="Keys that begin with" />
      <Card title={prefix === '' ? 'All entries' : `${prefix}…`} flush>
        <ListTable
          label="Entries"
          columns={columns}
          rows={list.nodes}
          idOf={({ key }) => key}
          list={list}
          empty={
            <Empty title="There are no entries here.">
              <p>Programs set them with setEntry, PUT /api/key-value, or signalbox kv set.</p>
            </Empty>
          }
        />
      </Card>
      <ApiHelp
        graphql={`query {\n  entries(prefix: ${JSON.stringify(prefix)}, first: 50) { nodes { key value version } }\n}`}
        rest={{ method: 'GET', path: '/api/key-value' }}
        cli={`signalbox kv list ${shellText(prefix)}`}
      />
      {isAdding && <SetDialog entry={undefined} onClose={() => setAdding(false)} />}
    </Page>
  )
}

function EntryPage({ entryKey }: { readonly entryKey: string }) {
  const { data: entry, isLoading, error } = useEntry(entryKey)
  const [isOpen, setOpen] = useState<'set' | 'delete' | undefined>()
  const crumbs = [{ title: 'Entries', href: '/entries' }]
  if (isLoading) return <Loading />
  return (
    <Page
      title={entryKey}
      crumbs={crumbs}
      actions={
        entry && (
          <>
            <ScopedButton scope={scope} primary onClick={() => setOpen('set')}>
              Change
            </ScopedButton>
            <ScopedButton scope={scope} danger onClick={() => setOpen('delete')}>
              Delete
            </ScopedButton>
          </>
        )
      }
    >
      <ErrorNote error={error} />
      {entry == null ? (
        <p className="note">There is no such entry any more, or you may not see it.</p>
      ) : (
        <div className="split">
          <Card title="Value">
            <JsonView value={entry.value ?? null} label="Value" />
          </Card>
          <div className="stack">
            <Card title="Details">
              <Facts
                facts={[
                  ['Version', entry.version],
                  ['Revision', entry.revision],
                  ['Updated', <Time key="at" at={entry.updatedAt} />],
                  ['By', entry.updatedBy.name],
                  ['Expires', entry.expiresAt && <Time key="expires" at={entry.expiresAt} />],
                ]}
              />
            </Card>
            <History entryKey={entryKey} />
          </div>
        </div>
      )}
      {isOpen === 'set' && entry && <SetDialog entry={entry} onClose={() => setOpen(undefined)} />}
      {isOpen === 'delete' && entry && <DeleteDialog entry={entry} onClose={() => setOpen(undefined)} />}
    </Page>
  )
}

function History({ entryKey }: { readonly entryKey: string }) {
  const live = { types: ['entry.*'], subject: `entry:${entryKey}` }
  const { data } = useQuery(EntryHistoryDocument, { key: entryKey, first: 50 }, { live })
  return (
    <Card title="Versions">
      <ol className="timeline">
        {data?.entry?.history.nodes.map(({ version, kind, value, at, by }) => (
          <li key={version}>
            <strong>Version {version}</strong> <span className="soft">{sentence(kind)}</span>
            <code className="cut">{JSON.stringify(value)}</code>
            <div className="small soft">
              <Time at={at} /> by {by.name}
            </div>
          </li>
        ))}
      </ol>
    </Card>
  )
}

interface DialogProps {
  readonly onClose: () => void
}

/** Sets an entry, if nobody else has set it since it was shown. */
function SetDialog({ entry, onClose }: DialogProps & { readonly entry: EntrySummaryFragment | undefined }) {
  const [key, setKey] = useState(entry?.key ?? '')
  const [text, setText] = useState(() => JSON.stringify(entry?.value ?? null, null, 2))
  const [version] = useState(entry?.version ?? 0)
  const { run, isRunning, error } = useMutation(SetEntryDocument)
  const [, navigate] = useLocation()
  async function save() {
    const value = parseJson(text)
    if (value === undefined) return
    if ((await run({ input: { key, value: value.value, ifVersion: version } })) === undefined) return
    onClose()
    navigate(hrefOf(key))
  }
  const title = entry === undefined ? 'New entry' : `Change ${entry.key}`
  return (
    <Confirm title={title} action="Save" isBusy={isRunning} onConfirm={() => void save()} onClose={onClose}>
      <ErrorNote error={error} />
      {entry === undefined && (
        <Field label="Key">
          {(id) => <input id={id} required value={key} onChange={(event) => setKey(event.target.value)} />}
        </Field>
      )}
      <JsonField label="Value" text={text} onChange={setText} hint="JSON; a text stands in quotes." />
    </Confirm>
  )
}

function DeleteDialog({ entry, onClose }: DialogProps & { readonly entry: EntrySummaryFragment }) {
  const { run, isRunning, error } = useMutation(DeleteEntryDocument)
  const [, navigate] = useLocation()
  async function remove() {
    if ((await run({ input: { key: entry.key, ifVersion: entry.version } })) === undefined) return
    onClose()
    navigate('/entries')
  }
  return (
    <Confirm
      title={`Delete ${entry.key}?`}
      action="Delete entry"
      danger
      isBusy={isRunning}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <p>It is deleted only if it still has version {entry.version}.</p>
    </Confirm>
  )
}
