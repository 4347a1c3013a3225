import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Cluster, createCluster } from '#test/support/cluster.ts'
import { databaseUrl } from '#test/support/database-url.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { runOnce } from '#test/support/template.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'

const configFile = join(import.meta.dirname, '../fixtures/faults/signalbox.config.ts')

/** What the disturbances disturb: two servers on one PostgreSQL, which has another program's database as well. */
export interface Stage {
  readonly cluster: Cluster
  readonly databaseUrl: string
  readonly neighbourUrl: string
  /** The current process of each server; it may have ended. */
  readonly servers: readonly ServerProcess[]
  /** Below it lie the data directories, and so the workspaces of tasks. */
  readonly directory: string
  /** The servers' clock; undefined where it can't be set. */
  readonly clock: FakeClock | undefined
  /** Starts a server again that has ended. */
  restart(index: number): Promise<void>
  query<Row = Record<string, unknown>>(text: string): Promise<Row[]>
  close(): Promise<void>
}

/** Everything is counted as usual, but nothing is refused for being too much. */
const env = {
  ...loopbackAllowed,
  SIGNALBOX_CONFIG: configFile,
  LOG_LEVEL: 'warn',
  ENTRY_HISTORY: '10000',
  RATE_LIMIT_TOKEN: '0',
  COST_LIMIT_TOKEN: '0',
}

export async function createStage(): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-faults-'))
  const cluster = await createCluster()
  await cluster.start()
  for (const name of ['faults', 'neighbour']) await runOnce(cluster.url, `CREATE DATABASE ${name}`)
  const url = databaseUrl(cluster.url, 'faults')
  const clock = createFakeClock(directory)
  const start = (index: number) =>
    startServerProcess({
      dataDir: join(directory, String(index)),
      databaseUrl: url,
      env: { ...env, ...clock?.env },
    })
  // One after the other: the first migrates.
  const servers = [await start(0)]
  servers.push(await start(1))
  return {
    cluster,
    databaseUrl: url,
    neighbourUrl: databaseUrl(cluster.url, 'neighbour'),
    servers,
    directory,
    clock,
    async restart(index) {
      servers[index] = await start(index)
    },
    async query<Row>(text: string) {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      try {
        return (await client.query(text)).rows as Row[]
      } finally {
        await client.end()
      }
    },
    async close() {
      for (const server of servers) await server.end('SIGKILL')
      await cluster.remove()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
