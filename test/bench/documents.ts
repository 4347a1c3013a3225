import pg from 'pg'
import { until } from '#test/support/until.ts'
import { BareConnection } from './http-load.ts'
import { type Row, report } from './report.ts'
import { openStand, type Stand, token } from './stand.ts'

const connections = 32
const warmUpMs = 1_000
const measureMs = 4_000
const sizes = (process.env['BENCH_DOCUMENTS'] ?? '10000,100000,1000000').split(',').map(Number)
const collection = 'bench'
/** How many documents have the same value at `ref`. */
const alike = 20

/** On two cores, from PocketBase's own benchmarks page. */
const pocketBase = { creates: 1_806, reads: 2_473, lists: 1_179 } as const

/** Documents created, read and listed, at three sizes of a collection, beside PostGraphile on the same tables. */
export async function benchDocuments(): Promise<object> {
  const stand = await openStand()
  try {
    return await documents(stand)
  } finally {
    await stand.close()
  }
}

async function documents(stand: Stand): Promise<object> {
  const url = await stand.createDatabase('documents')
  const database = new pg.Client({ connectionString: url })
  // The database's end, when something fails halfway, shall not hide what that was.
  database.on('error', () => undefined)
  const server = await stand.startServer(url, { ROLES: 'api', QUOTA_STORED_BYTES: String(1e15) })
  await database.connect()
  const accountId = (await database.query<{ id: string }>('SELECT id FROM account')).rows[0]?.id ?? ''
  await prepare(database, server.url, accountId)
  const other = await stand.startPostgraphile(url)
  const rows: Row[] = []
  const rates = new Map<string, number[]>()
  let count = 0
  for (const size of sizes) {
    await load(database, accountId, count, size)
    count = size
    for (const { what, own, peer } of questions(accountId, size)) {
      const perSecond = await rateOf(server.url, own)
      rates.set(what, [...(rates.get(what) ?? []), perSecond])
      rows.push({
        what,
        documents: size,
        'Signalbox/s': perSecond,
        'PostGraphile/s': await rateOf(other.url, peer),
        'PocketBase/s (published)': published(what),
      })
    }
  }
  await database.end()
  await Promise.all([server.stop(), other.stop()])
  return {
    documents: report('Documents, requests a second, 32 at a time; each of our writes makes a version', rows),
    growth: report('Cost at the most documents, against the fewest', growth(rates)),
  }
}

interface Question {
  readonly what: string
  /** The next request's body, which has to be answered without errors. */
  readonly own: () => string
  readonly peer: () => string
}

const createOurs = `mutation ($key: String!, $data: JSON) {
  putDocument(input: { collection: "${collection}-new", key: $key, data: $data, expectedVersion: 0 }) {
    ... on PutDocumentPayload { document { key version } } ... on Failure { code } } }`
const readOurs = `query ($key: String!) { document(collection: "${collection}", key: $key) { key version data } }`
const listOurs = (args: string, variables: string) =>
  `query ${variables} { documents(in: "${collection}", first: 20${args}) { nodes { key version data } } }`
const refOurs = listOurs(', where: { path: "ref", eq: $ref }', '($ref: JSON)')
const sizeOurs = listOurs(
  ', where: { path: "size", gte: $size }, orderBy: [{ path: "size", type: NUMBER }]',
  '($size: JSON)',
)

const createTheirs = `mutation ($document: DocumentInput!) { createDocument(input: { document: $document }) {
  document { key version } } }`
const readTheirs = `query ($accountId: UUID!, $key: String!) {
  documentByAccountIdAndCollectionAndKey(accountId: $accountId, collection: "${collection}", key: $key) { key version data } }`
const listTheirs = `query ($accountId: UUID!) { allDocuments(first: 20, orderBy: [PRIMARY_KEY_ASC],
  condition: { accountId: $accountId, collection: "${collection}" }) { nodes { key version data } } }`
const refTheirs = `query ($ref: String!) { benchByRef(ref: $ref, first: 20) { nodes { key version data } } }`
const sizeTheirs = `query ($size: BigFloat!) { benchBySize(lowest: $size, first: 20) { nodes { key version data } } }`

let created = 0
const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }

function questions(accountId: string, size: number): Question[] {
  const key = () => keyOf(Math.floor(Math.random() * size))
  const ref = () => `ref-${Math.floor((Math.random() * size) / alike)}`
  const least = () => Math.floor(Math.random() * 900_000)
  const body = (query: string, variables: object) => JSON.stringify({ query, variables })
  const at = new Date().toISOString()
  return [
    {
      what: 'create',
      own: () => body(createOurs, { key: `new-${created++}`, data: dataOf(created) }),
      peer: () =>
        body(createTheirs, {
          document: {
            accountId,
            collection,
            key: `peer-${created++}`,
            version: 1,
            data: dataOf(created),
            createdAt: at,
            createdBy: {},
            updatedAt: at,
            updatedBy: {},
            sizeBytes: 200,
          },
        }),
    },
    {
      what: 'read by key',
      own: () => body(readOurs, { key: key() }),
      peer: () => body(readTheirs, { accountId, key: key() }),
    },
    {
      what: 'list 20',
      own: () => body(listOurs('', ''), {}),
      peer: () => body(listTheirs, { accountId }),
    },
    {
      what: 'list 20, equal, no index declared',
      own: () => body(refOurs, { ref: ref() }),
      peer: () => body(refTheirs, { ref: ref() }),
    },
    {
      what: 'list 20, range and order, index declared',
      own: () => body(sizeOurs, { size: least() }),
      peer: () => body(sizeTheirs, { size: String(least()) }),
    },
  ]
}

function published(what: string): number | string {
  if (what === 'create') return pocketBase.creates
  if (what === 'read by key') return pocketBase.reads
  return what === 'list 20' ? pocketBase.lists : ''
}

function keyOf(place: number): string {
  return `key-${String(place).padStart(8, '0')}`
}

/** About 200 bytes. */
function dataOf(place: number): object {
  const name = `service-${place}`
  return { name, ref: 'new', size: place, status: 'created', tags: ['bench', `t${place % 10}`], note: 'x'.repeat(80) }
}

/** The collection with its index, and for PostGraphile, which knows no JSON paths, functions that ask the same. */
async function prepare(database: pg.Client, url: string, accountId: string): Promise<void> {
  const create = `mutation { createCollection(input: { path: "${collection}", indexes: [{ path: "size", type: NUMBER }] }) {
    ... on Failure { message } } }`
  const connection = new BareConnection(url, '/graphql', headers, JSON.stringify({ query: create }))
  await connection.send()
  connection.close()
  await until(async () => {
    const { rows } = await database.query(
      `SELECT FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE 'document\\_ix\\_%' AND indisvalid`,
    )
    return rows.length > 0
  })
  await database.query(`
    CREATE FUNCTION bench_by_ref(ref text) RETURNS SETOF document LANGUAGE sql STABLE AS $$
      SELECT * FROM document WHERE account_id = '${accountId}' AND collection = '${collection}' AND NOT deleted AND data @> jsonb_build_object('ref', ref)
      ORDER BY key $$;
    CREATE FUNCTION bench_by_size(lowest numeric) RETURNS SETOF document LANGUAGE sql STABLE AS $$
      SELECT * FROM document WHERE account_id = '${accountId}' AND collection = '${collection}' AND NOT deleted
        AND document_number(data, '{size}') >= lowest ORDER BY document_number(data, '{size}'), key $$`)
}

/** Adds documents by SQL. */
async function load(database: pg.Client, accountId: string, from: number, to: number): Promise<void> {
  const by = JSON.stringify({ kind: 'system', id: 'bench', name: 'bench' })
  await database.query(
    `INSERT INTO document (account_id, collection, key, version, data, created_at, created_by, updated_at, updated_by, size_bytes)
       SELECT $1, $2, 'key-' || lpad(n::text, 8, '0'), 1, jsonb_build_object('name', 'service-' || n, 'ref', 'ref-' || n / $6,
           'size', n * 7919::bigint % 1000003, 'status', n % 10, 'tags', jsonb_build_array('bench', 't' || n % 10),
           'note', repeat('x', 80)),
         now(), $3::jsonb, now(), $3::jsonb, 200
       FROM generate_series($4::int, $5::int - 1) n`,
    [accountId, collection, by, from, to, alike],
  )
  // The new rows are what the database has to know when it plans, and not to be busy with while it is measured.
  await database.query('VACUUM ANALYZE document')
}

/** Requests a second, after some that only warm up. */
async function rateOf(url: string, body: () => string): Promise<number> {
  const clients = Array.from({ length: connections }, () => new BareConnection(url, '/graphql', headers))
  await repeatFor(clients, body, warmUpMs)
  const perSecond = await repeatFor(clients, body, measureMs)
  for (const client of clients) client.close()
  return perSecond
}

async function repeatFor(clients: readonly BareConnection[], body: () => string, durationMs: number): Promise<number> {
  let count = 0
  const startedAt = performance.now()
  const repeat = async (client: BareConnection) => {
    while (performance.now() - startedAt < durationMs) {
      const answer = await client.send(body())
      if (!answer.includes('"key":')) throw new Error(`Not what was asked for: ${answer.slice(0, 300)}`)
      count += 1
    }
  }
  await Promise.all(clients.map(repeat))
  return (count * 1000) / (performance.now() - startedAt)
}

/** How much more a request costs among the most documents; the logarithm of their number grows by the last column. */
function growth(rates: ReadonlyMap<string, readonly number[]>): Row[] {
  const logarithm = Math.log(sizes.at(-1) ?? 1) / Math.log(sizes[0] ?? 1)
  return [...rates].map(([what, all]) => ({
    what,
    'cost grows by': (all[0] ?? 0) / (all.at(-1) ?? 1),
    'logarithm grows by': logarithm,
  }))
}
