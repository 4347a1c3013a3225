import { type Etcd, startEtcd } from './etcd.ts'
import { BareConnection } from './http-load.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand, type Stand, token } from './stand.ts'

const callers = 32
const turns = 5
const turnMs = 2_000
const keys = 1_000
/** About as long as the values that such stores are measured with. */
const value = 'x'.repeat(100)

/** Something that reads and writes under keys, for one turn of so many callers. */
interface Contestant {
  readonly name: string
  reads(): Callers
  writes(): Callers
  close(): Promise<void>
}

type Caller = () => Promise<unknown>

/** Their connections last for a turn: servers close what is idle meanwhile. */
interface Callers {
  readonly all: readonly Caller[]
  close(): void
}

/** Reads, and writes that survive a power cut, beside etcd on the same disk. */
export async function benchEntries(): Promise<object> {
  const stand = await openStand()
  const etcd = await startEtcd()
  try {
    const contestants = [await openSignalbox(stand), ...(etcd === undefined ? [] : [await openEtcd(etcd)])]
    if (etcd === undefined)
      console.log('etcd is not installed (apt-get install etcd-server), so nothing stands beside.')
    const rows = await measure(contestants)
    for (const contestant of contestants) await contestant.close()
    return { entries: report(`Entries of 100 bytes, ${callers} callers, one key each a call`, rows) }
  } finally {
    await etcd?.stop()
    await stand.close()
  }
}

async function measure(contestants: readonly Contestant[]): Promise<Row[]> {
  const rates = new Map<string, number[]>()
  // In turns, so that all meet the same machine; the first turn only warms up.
  for (let turn = 0; turn <= turns; turn += 1)
    for (const what of ['writes', 'reads'] as const)
      for (const contestant of contestants) {
        const callers = contestant[what]()
        const rate = await rateOf(callers.all)
        callers.close()
        const key = `${what} ${contestant.name}`
        if (turn > 0) rates.set(key, [...(rates.get(key) ?? []), rate])
      }
  const median = (what: string, { name }: Contestant) => percentile(rates.get(`${what} ${name}`) ?? [], 0.5)
  const [, peer] = contestants
  return contestants.map((contestant) => ({
    what: contestant.name,
    'reads a second': median('reads', contestant),
    'durable writes a second': median('writes', contestant),
    'reads to etcd’s': peer === undefined ? '' : (median('reads', contestant) / median('reads', peer)).toFixed(2),
    'writes to etcd’s': peer === undefined ? '' : (median('writes', contestant) / median('writes', peer)).toFixed(2),
  }))
}

async function rateOf(all: readonly Caller[]): Promise<number> {
  let count = 0
  const startedAt = performance.now()
  const repeat = async (call: Caller) => {
    while (performance.now() - startedAt < turnMs) {
      await call()
      count += 1
    }
  }
  await Promise.all(all.map(repeat))
  return (count * 1000) / (performance.now() - startedAt)
}

const keyOf = (index: number) => `bench/${String(index % keys).padStart(4, '0')}`

/** Callers that each have a connection, and take one key after the other. */
function callersOf(
  url: string,
  path: string,
  headers: Record<string, string>,
  bodyOf: (key: string) => object,
): Callers {
  const connections: BareConnection[] = []
  const all = Array.from({ length: callers }, (_, caller) => {
    // Each has a few requests that are put together once, so that the load costs little.
    const own = Array.from({ length: 4 }, (_, index) => keyOf(caller * 31 + index * 251)).map(
      (key) => new BareConnection(url, path, headers, JSON.stringify(bodyOf(key))),
    )
    connections.push(...own)
    let next = 0
    return () => {
      next += 1
      return (own[next % own.length] as BareConnection).send()
    }
  })
  return {
    all,
    close() {
      for (const connection of connections) connection.close()
    },
  }
}

async function openSignalbox(stand: Stand): Promise<Contestant> {
  const server = await stand.startServer(await stand.createDatabase('entries'), { ROLES: 'api' })
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const write =
    'mutation ($input: SetEntryInput!) { setEntry(input: $input) { ... on SetEntryPayload { entry { version } revision } ... on Failure { code } } }'
  const read = 'query ($key: String!) { entry(key: $key) { value version } }'
  const variables = (key: string) => ({ input: { key, value } })
  return {
    name: 'Signalbox',
    writes: () => callersOf(server.url, '/graphql', headers, (key) => ({ query: write, variables: variables(key) })),
    reads: () => callersOf(server.url, '/graphql', headers, (key) => ({ query: read, variables: { key } })),
    close: () => server.stop(),
  }
}

/** By its gateway for JSON, whose reads are as consistent as ours: each is confirmed by the log. */
async function openEtcd({ url, version }: Etcd): Promise<Contestant> {
  const headers = { 'content-type': 'application/json' }
  const packed = (text: string) => Buffer.from(text).toString('base64')
  const put = (key: string) => ({ key: packed(key), value: packed(JSON.stringify(value)) })
  return {
    name: `etcd ${version}, JSON gateway`,
    writes: () => callersOf(url, '/v3/kv/put', headers, put),
    reads: () => callersOf(url, '/v3/kv/range', headers, (key) => ({ key: packed(key) })),
    close: async () => undefined,
  }
}
