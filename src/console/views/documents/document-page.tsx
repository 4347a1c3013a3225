import { type ReactNode, useState } from 'react'
import { Link, useLocation } from 'wouter'
import {
  DeleteDocumentDocument,
  DocumentHistoryDocument,
  type DocumentHistoryQuery,
  RestoreDocumentDocument,
} from '#client/browser.ts'
import { useDocument, useMutation, useQuery } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { useMay } from '#console/session/session-context.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { Button, ScopedButton } from '#console/ui/button.tsx'
import { bytes } from '#console/ui/bytes.ts'
import { Confirm } from '#console/ui/dialog.tsx'
import { Diff } from '#console/ui/diff.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { JsonView } from '#console/ui/json-view.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Time } from '#console/ui/time.tsx'
import { documentHref } from './paths.ts'

export interface DocumentProps {
  readonly collection: string
  readonly documentKey: string
}

/** A document as it is or was, and what has changed between two of its versions; the address says which. */
export function DocumentPage({ collection, documentKey }: DocumentProps) {
  const params = useParams()
  const version = Number(params.get('version')) || undefined
  const at = params.get('at') || undefined
  const current = useDocument(collection, documentKey)
  const past = useDocument(collection, documentKey, { version, at, skip: version === undefined && at === undefined })
  const isPast = version !== undefined || at !== undefined
  const shown = isPast ? past : current
  const crumbs = [
    { title: 'Documents', href: '/documents' },
    { title: collection, href: `/documents?in=${encodeURIComponent(collection)}` },
  ]
  return (
    <Page
      title={documentKey}
      crumbs={crumbs}
      actions={<Actions {...{ collection, documentKey, current, shown, isPast }} />}
    >
      <ErrorNote error={shown.error} />
      {isPast && (
        <p className="note warn">
          This is {version === undefined ? 'the document at that time' : `version ${version}`}, not the current one.{' '}
          <Link href={documentHref(collection, documentKey)}>Show the current version</Link>
        </p>
      )}
      <div className="split">
        <div className="stack">
          <Content {...{ collection, documentKey }} isLoading={shown.isLoading} document={shown.data ?? undefined} />
        </div>
        <div className="stack">
          <TimeTravel />
          <History {...{ collection, documentKey }} current={current.data?.version} shown={shown.data?.version} />
        </div>
      </div>
      <ApiHelp
        graphql={`query {\n  document(collection: ${JSON.stringify(collection)}, key: ${JSON.stringify(documentKey)}${version ? `, version: ${version}` : ''}) { version data }\n}`}
        rest={{
          method: 'GET',
          path: `/api/doc-store/${collection.split('/').map(encodeURIComponent).join('/')}/${encodeURIComponent(documentKey)}`,
        }}
        cli={`signalbox doc get ${documentKey} -c ${collection}${version ? ` --version ${version}` : ''}`}
      />
    </Page>
  )
}

type Shown = ReturnType<typeof useDocument>

interface ContentProps extends DocumentProps {
  readonly isLoading: boolean
  readonly document: NonNullable<Shown['data']> | undefined
}

function Content({ collection, documentKey, isLoading, document }: ContentProps) {
  const params = useParams()
  const compare = Number(params.get('compare')) || undefined
  const other = useDocument(collection, documentKey, { version: compare, skip: compare === undefined })
  if (isLoading) return <Loading />
  if (document === undefined) return <p className="note">There is no such document then, or you may not see it.</p>
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Version', document.version],
    ['Size', bytes(document.sizeBytes)],
    [
      'Updated',
      <span key="updated">
        <Time at={document.updatedAt} /> by {document.updatedBy.name}
      </span>,
    ],
    [
      'Created',
      <span key="created">
        <Time at={document.createdAt} /> by {document.createdBy.name}
      </span>,
    ],
    ['Expires', document.expiresAt && <Time key="expires" at={document.expiresAt} />],
  ]
  return (
    <>
      {compare !== undefined && (
        <Card
          title={`From version ${compare} to ${document.version}`}
          actions={
            <Button small onClick={() => params.set({ compare: undefined })}>
              Close comparison
            </Button>
          }
        >
          <ErrorNote error={other.error} />
          {other.isLoading ? <Loading /> : <Diff from={other.data?.data ?? null} to={document.data ?? null} />}
        </Card>
      )}
      <Card title="Data">
        <JsonView value={document.data ?? null} label="Data" />
      </Card>
      <Card title="Details">
        <Facts facts={facts} />
      </Card>
    </>
  )
}

interface ActionsProps extends DocumentProps {
  readonly current: Shown
  readonly shown: Shown
  readonly isPast: boolean
}

function Actions({ collection, documentKey, current, shown, isPast }: ActionsProps) {
  const [, navigate] = useLocation()
  const [isDeleting, setDeleting] = useState(false)
  const restore = useMutation(RestoreDocumentDocument)
  const remove = useMutation(DeleteDocumentDocument)
  const expectedVersion = current.data?.version ?? null
  const scope = 'documents:write'
  const version = shown.data?.version

  async function restoreShown() {
    if (version === undefined) return
    const input = { collection, key: documentKey, version, expectedVersion }
    if ((await restore.run({ input })) !== undefined) navigate(documentHref(collection, documentKey))
  }

  async function deleteCurrent() {
    const input = { collection, key: documentKey, expectedVersion }
    if ((await remove.run({ input })) !== undefined) navigate(`/documents?in=${encodeURIComponent(collection)}`)
  }

  return (
    <>
      <ErrorNote error={restore.error} />
      {isPast && version !== undefined && version !== current.data?.version && (
        <ScopedButton scope={scope} primary isBusy={restore.isRunning} onClick={() => void restoreShown()}>
          Restore version {version}
        </ScopedButton>
      )}
      {!isPast && current.data != null && (
        <>
          <ScopedButton scope={scope} primary onClick={() => navigate(documentHref(collection, documentKey, 'edit'))}>
            Edit
          </ScopedButton>
          <ScopedButton scope={scope} danger onClick={() => setDeleting(true)}>
            Delete
          </ScopedButton>
        </>
      )}
      {isDeleting && (
        <Confirm
          title={`Delete ${documentKey}?`}
          action="Delete document"
          danger
          isBusy={remove.isRunning}
          onConfirm={() => void deleteCurrent()}
          onClose={() => setDeleting(false)}
        >
          <ErrorNote error={remove.error} />
          <p>Its versions stay, and any of them can be restored.</p>
        </Confirm>
      )}
    </>
  )
}

function TimeTravel() {
  const params = useParams()
  const at = params.get('at')
  return (
    <Card title="As it was">
      <label className="stack">
        <span className="small soft">Show the document as it was at this time, in your local time zone.</span>
        <input
          type="datetime-local"
          step={1}
          aria-label="As it was at"
          value={at === '' ? '' : localText(at)}
          onChange={({ target: { value } }) =>
            params.set({ at: value === '' ? undefined : new Date(value).toISOString(), version: undefined })
          }
        />
      </label>
    </Card>
  )
}

/** A moment as the field has it: local, without a zone. */
function localText(at: string): string {
  const moment = new Date(at)
  if (Number.isNaN(moment.getTime())) return ''
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}

type Version = NonNullable<DocumentHistoryQuery['document']>['history']['nodes'][number]

interface HistoryProps extends DocumentProps {
  readonly current: number | undefined
  readonly shown: number | undefined
}

function History({ collection, documentKey, current, shown }: HistoryProps) {
  const variables = { collection, key: documentKey, first: 100 }
  const live = { types: ['document.*'], subject: `document:${collection}/${documentKey}` }
  const { data, error } = useQuery(DocumentHistoryDocument, variables, { live, skip: !useMay('documents:read') })
  const versions = data?.document?.history.nodes ?? []
  return (
    <Card title="Versions">
      <ErrorNote error={error} />
      <ol className="timeline">
        {versions.map((version) => (
          <VersionItem key={version.version} {...{ collection, documentKey, version, current, shown }} />
        ))}
      </ol>
      {data?.document?.history.pageInfo.hasNextPage && <p className="soft small">Older versions are not listed.</p>}
    </Card>
  )
}

function VersionItem({
  collection,
  documentKey,
  version,
  current,
  shown,
}: HistoryProps & { readonly version: Version }) {
  const { version: number, at, by, deleted, pinned } = version
  const params = useParams()
  const isShown = number === shown
  const href = documentHref(collection, documentKey)
  return (
    <li className={deleted ? 'bad' : number === current ? 'good' : ''}>
      <Link href={number === current ? href : `${href}?version=${number}`} aria-current={isShown ? 'true' : undefined}>
        Version {number}
      </Link>
      {deleted && <span className="soft">, a deletion</span>}
      {pinned && <span className="soft">, pinned</span>}
      <div className="small soft">
        <Time at={at} /> by {by.name}
      </div>
      {!isShown && !deleted && shown !== undefined && (
        <button type="button" className="link small" onClick={() => params.set({ compare: String(number) })}>
          Compare
        </button>
      )}
    </li>
  )
}
