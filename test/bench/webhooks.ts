import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { openJournal } from '#test/support/journal.ts'
import { createWebhook } from '#test/support/webhooks.ts'
import { percentile, type Row, report } from './report.ts'
import { openStand, type Stand, token } from './stand.ts'
import { cpuMs } from './usage.ts'

const endpoints = 100
const dead = 3
const slow = 2
const slowMs = 1_000
const eventsPerSecond = 1_000
const seconds = Number(process.env['BENCH_SECONDS'] ?? 60)
const backlog = 20_000
const bareMs = 5_000

/** Events to a hundred webhooks, of which some are dead and some slow; then a heap of them; beside a bare client. */
export async function benchWebhooks(): Promise<object> {
  const stand = await openStand()
  const receivers = await startReceivers()
  try {
    return await measure(stand, receivers)
  } finally {
    await receivers.close()
    await stand.close()
  }
}

type Receivers = Awaited<ReturnType<typeof startReceivers>>

async function measure(stand: Stand, receivers: Receivers): Promise<object> {
  const url = await stand.createDatabase('webhooks')
  const server = await stand.startServer(url, { NODE_ENV: 'development', EGRESS_ALLOW: '127.0.0.0/8' })
  await makeWebhooks({ url: server.url, token }, receivers.url)
  const journal = await openJournal(url)
  const [account] = await journal.database.query<{ id: string }>('SELECT id FROM account')
  const write = writer(journal, account?.id ?? '', receivers)
  const steady = await measureSteady(write, receivers, server.pid)
  const heap = await measureHeap(write, receivers, server.pid)
  await journal.close()
  await server.stop()
  const bare = await measureBare(receivers)
  return {
    webhooks: report(`${endpoints} webhooks, ${dead} of them dead, ${slow} slow`, [steady, heap, bare]),
  }
}

/** The first ones are dead, the next ones slow. */
async function makeWebhooks(at: { url: string; token: string }, receiver: string): Promise<void> {
  for (let endpoint = 0; endpoint < endpoints; endpoint += 1) {
    const url = endpoint < dead ? `http://127.0.0.1:9/${endpoint}` : `${receiver}/${endpoint}`
    await createWebhook(at, { name: `bench ${endpoint}`, url, events: [`bench.e${endpoint}`], concurrency: 20 })
  }
}

/** Writes events n, n + 1 … in one transaction; notes when they were committed. */
function writer(journal: Awaited<ReturnType<typeof openJournal>>, accountId: string, { committed }: Receivers) {
  const actor = { kind: 'system', id: 'bench', name: 'bench' } as const
  return async (from: number, count: number, endpointOf: (n: number) => number) => {
    await journal.transact(async (tx) => {
      for (let n = from; n < from + count; n += 1)
        tx.journal({
          accountId,
          type: `bench.e${endpointOf(n)}`,
          subject: `bench:${n}`,
          actor,
          data: { n, text: 'x'.repeat(200) },
        })
    })
    const now = performance.now()
    for (let n = from; n < from + count; n += 1) committed.set(n, now)
  }
}

type Write = ReturnType<typeof writer>

async function measureSteady(write: Write, receivers: Receivers, pid: number): Promise<Row> {
  const perTurn = 10
  const turnMs = (perTurn * 1_000) / eventsPerSecond
  const cpuBefore = await cpuMs(pid)
  const startedAt = performance.now()
  let written = 0
  const writing: Promise<void>[] = []
  while (written < eventsPerSecond * seconds) {
    const due = Math.floor((performance.now() - startedAt) / turnMs) * perTurn
    for (; written < due; written += perTurn) writing.push(write(written, perTurn, (n) => n % endpoints))
    await sleep(2)
  }
  await Promise.all(writing)
  const healthy = Math.floor((written * (endpoints - dead - slow)) / endpoints)
  await receivers.arrived(healthy, 30_000)
  const elapsedMs = performance.now() - startedAt
  return row(
    `${eventsPerSecond} events a second for ${seconds} s`,
    receivers.latencies,
    receivers.count,
    elapsedMs,
    (await cpuMs(pid)) - cpuBefore,
  )
}

async function measureHeap(write: Write, receivers: Receivers, pid: number): Promise<Row> {
  receivers.reset()
  const first = 10_000_000
  const atOnce = 1_000
  const healthyOnly = (n: number) => dead + slow + (n % (endpoints - dead - slow))
  const cpuBefore = await cpuMs(pid)
  const startedAt = performance.now()
  for (let at = 0; at < backlog; at += atOnce) await write(first + at, atOnce, healthyOnly)
  await receivers.arrived(backlog, 120_000)
  const elapsedMs = performance.now() - startedAt
  return row(
    `${backlog} events as fast as they go`,
    receivers.latencies,
    receivers.count,
    elapsedMs,
    (await cpuMs(pid)) - cpuBefore,
  )
}

async function measureBare(receivers: Receivers): Promise<Row> {
  receivers.reset()
  const pool = new Pool(receivers.url, { connections: 100 })
  const body = JSON.stringify({
    type: 'bench',
    timestamp: new Date().toISOString(),
    data: { n: -1, text: 'x'.repeat(200) },
  })
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const repeat = async () => {
    while (performance.now() - startedAt < bareMs) {
      const headers = { 'content-type': 'application/json' }
      const answer = await pool.request({ method: 'POST', path: '/bare', headers, body })
      await answer.body.dump()
    }
  }
  await Promise.all(Array.from({ length: 100 }, repeat))
  const elapsedMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  await pool.close()
  return row(
    'a bare undici loop, with its receivers in the same process',
    [],
    receivers.count,
    elapsedMs,
    (user + system) / 1_000,
  )
}

function row(what: string, latencies: readonly number[], count: number, elapsedMs: number, cpu: number): Row {
  const at = (share: number) => (latencies.length === 0 ? '' : percentile(latencies, share))
  return {
    what,
    'deliveries/s': (count * 1_000) / elapsedMs,
    'p50 ms': at(0.5),
    'p95 ms': at(0.95),
    'p99 ms': at(0.99),
    'CPU µs each': (cpu * 1_000) / count,
  }
}

async function startReceivers() {
  const committed = new Map<number, number>()
  const seen = new Set<number>()
  let latencies: number[] = []
  let count = 0
  const server = createServer((req, res) => {
    const at = performance.now()
    const path = Number(req.url?.slice(1))
    let body = ''
    req.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    req.on('end', () => {
      const isSlow = path >= dead && path < dead + slow
      if (isSlow) setTimeout(() => res.writeHead(204).end(), slowMs)
      else res.writeHead(204).end()
      const { n } = JSON.parse(body).data
      if (isSlow || n === undefined || seen.has(n)) return
      if (n >= 0) seen.add(n)
      count += 1
      if (n >= 0) latencies.push(Math.max(0, at - (committed.get(n) ?? at)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    committed,
    get latencies() {
      return latencies
    },
    get count() {
      return count
    },
    reset() {
      latencies = []
      count = 0
      seen.clear()
    },
    async arrived(wanted: number, limitMs: number) {
      const deadline = performance.now() + limitMs
      while (count < wanted && performance.now() < deadline) await sleep(5)
      if (count < wanted) console.error(`Only ${count} of ${wanted} have arrived.`)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
