import { type FormEvent, useState } from 'react'
import { Link } from 'wouter'
import { CollectionsDocument, type CollectionsQuery, type DocumentFilter } from '#client/browser.ts'
import { type DocumentRow, useDocuments, useQuery } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { useMay } from '#console/session/session-context.ts'
import { ApiHelp } from '#console/ui/api-help.tsx'
import { bytes } from '#console/ui/bytes.ts'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { Time } from '#console/ui/time.tsx'
import { documentHref } from './paths.ts'

type Collection = CollectionsQuery['collections']['nodes'][number]

const columns: readonly Column<DocumentRow>[] = [
  {
    title: 'Document',
    cell: ({ collection, key }) => (
      <>
        <Link href={documentHref(collection, key)}>{key}</Link>
        <div className="soft small">{collection}</div>
      </>
    ),
  },
  { title: 'Version', isNumber: true, cell: ({ version }) => version },
  { title: 'Size', isNumber: true, isWide: true, cell: ({ sizeBytes }) => bytes(sizeBytes) },
  { title: 'Updated', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
  { title: 'By', isWide: true, cell: ({ updatedBy }) => updatedBy.name },
]

/** The collections as a tree, and the documents that match. */
export function Browse() {
  const params = useParams()
  const pattern = params.get('in') || '**'
  const filter = filterOf(params.get('where'))
  const list = useDocuments({ in: pattern, where: filter })
  const mayWrite = useMay('documents:write')
  return (
    <Page
      title="Documents"
      actions={
        mayWrite && (
          <Link href={`/documents/new?in=${encodeURIComponent(params.get('in'))}`} className="button primary">
            New document
          </Link>
        )
      }
    >
      <Filter key={`${params.get('in')} ${params.get('where')}`} />
      <div className="browse">
        <Tree chosen={params.get('in')} />
        <Card title={pattern === '**' ? 'All documents' : pattern} flush>
          <ListTable
            label="Documents"
            columns={columns}
            rows={list.nodes}
            idOf={({ collection, key }) => JSON.stringify([collection, key])}
            list={list}
            empty={
              <Empty title="There are no documents here.">
                <p>Programs write them with putDocument, PUT /api/doc-store, or signalbox doc put.</p>
              </Empty>
            }
          />
        </Card>
      </div>
      <ApiHelp
        graphql={`query ($in: String!, $where: DocumentFilter) {
  documents(in: $in, where: $where, first: 50) {
    nodes { collection key version data }
    pageInfo { hasNextPage endCursor }
  }
}

# variables
${JSON.stringify({ in: pattern, where: filter ?? null }, null, 2)}`}
        rest={{ method: 'GET', path: `/api/doc-store/collections` }}
        cli={`signalbox doc list --collection '${pattern}'`}
      />
    </Page>
  )
}

/** A filter is JSON in the documents' own language; `path=value` is a short form of the most usual one. */
function Filter() {
  const params = useParams()
  const [pattern, setPattern] = useState(params.get('in'))
  const [text, setText] = useState(params.get('where'))
  const [fault, setFault] = useState<string | undefined>()

  function apply(event: FormEvent) {
    event.preventDefault()
    if (text.trim() !== '' && filterOf(text) === undefined)
      return setFault('Enter path=value, such as image=web:1.4.2, or a filter as JSON.')
    setFault(undefined)
    params.set({ in: pattern.trim(), where: text.trim() })
  }

  return (
    <search>
      <form className="filters" onSubmit={apply}>
        <input
          aria-label="Collections"
          placeholder="Collections, such as releases/**"
          value={pattern}
          onChange={(event) => setPattern(event.target.value)}
        />
        <input
          className="grow"
          aria-label="Filter"
          placeholder={'path=value, or a filter such as {"path":"replicas","gt":2}'}
          value={text}
          aria-invalid={fault !== undefined}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="button">
          Apply
        </button>
      </form>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
    </search>
  )
}

function filterOf(text: string): DocumentFilter | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  if (trimmed.startsWith('{')) return objectIn(trimmed)
  const [, path, value] = /^([^=\s]+)\s*=\s*(.*)$/.exec(trimmed) ?? []
  if (path === undefined || value === undefined) return undefined
  return { path, eq: jsonOr(value) }
}

function objectIn(text: string): DocumentFilter | undefined {
  const value = jsonOr(text)
  return typeof value === 'object' && value !== null ? (value as DocumentFilter) : undefined
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function Tree({ chosen }: { readonly chosen: string }) {
  const { data, error } = useQuery(
    CollectionsDocument,
    { prefix: '', first: 200 },
    { live: { types: ['collection.*', 'document.created', 'document.deleted'] } },
  )
  const collections = data?.collections.nodes ?? []
  return (
    <nav className="card tree" aria-label="Collections">
      <ErrorNote error={error} />
      <ul>
        <li>
          <Link href="/documents" aria-current={chosen === '' ? 'true' : undefined}>
            All collections
          </Link>
        </li>
        <Branch collections={collections} prefix="" chosen={chosen} />
      </ul>
      {data?.collections.pageInfo.hasNextPage && <p className="soft small">Only the first 200 are shown.</p>}
    </nav>
  )
}

interface BranchProps {
  readonly collections: readonly Collection[]
  readonly prefix: string
  readonly chosen: string
}

function Branch({ collections, prefix, chosen }: BranchProps) {
  const below = collections.filter(({ path }) => path.startsWith(prefix))
  const names = [...new Set(below.map(({ path }) => path.slice(prefix.length).split('/')[0] ?? ''))]
  return names.map((name) => {
    const path = `${prefix}${name}`
    const own = below.find((one) => one.path === path)
    const hasChildren = below.some((one) => one.path.startsWith(`${path}/`))
    const target = own === undefined ? `${path}/**` : path
    return (
      <li key={name}>
        <Link
          href={`/documents?in=${encodeURIComponent(target)}`}
          aria-current={chosen === target ? 'true' : undefined}
        >
          {name}
          {own?.documentCount != null && <span className="soft">{own.documentCount}</span>}
        </Link>
        {hasChildren && (
          <ul>
            <Branch collections={collections} prefix={`${path}/`} chosen={chosen} />
          </ul>
        )}
      </li>
    )
  })
}
