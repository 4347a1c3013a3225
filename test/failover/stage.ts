import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Forwarder } from '#test/support/failover/forwarder.ts'
import { createServerPair, type ServerPair } from '#test/support/failover/server-pair.ts'
import { type ServerProcess, startServerProcess } from '#test/support/process.ts'
import { runOnce } from '#test/support/template.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

const configFile = join(import.meta.dirname, '../fixtures/failover/signalbox.config.ts')
const database = 'failover'

/** Two servers of Signalbox on a primary and its standby, each with an address of its own for the database. */
export interface Stage {
  readonly pair: ServerPair
  readonly servers: readonly ServerProcess[]
  /** Through which each server reaches the database. */
  readonly addresses: readonly Forwarder[]
  /** Where tasks write down their starts and ends. */
  readonly book: string
  /** Asks the primary. */
  query<Row = Record<string, unknown>>(text: string): Promise<Row[]>
  close(): Promise<void>
}

/** How long a server may be without the database before it stops its tasks, and others may take them, in milliseconds. */
const leaseMs = 15_000

/** Everything is counted as usual, but nothing is refused for being too much. */
const env = {
  ...loopbackAllowed,
  SIGNALBOX_CONFIG: configFile,
  ENTRY_HISTORY: '10000',
  RATE_LIMIT_TOKEN: '0',
  COST_LIMIT_TOKEN: '0',
  WORKER_SLOTS: '10',
  WORKER_LEASE_MS: String(leaseMs),
}

export async function createStage(): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-failovers-'))
  const pair = await createServerPair()
  const servers: ServerProcess[] = []
  async function close(): Promise<void> {
    for (const server of servers) await server.end('SIGKILL')
    await pair.remove()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const addresses = [await pair.openAddress(), await pair.openAddress()]
    await runOnce(pair.urlAt(addresses[0] as Forwarder), `CREATE DATABASE ${database}`)
    // One after the other: the first migrates.
    for (const [index, address] of addresses.entries()) {
      const dataDir = join(directory, String(index))
      servers.push(await startServerProcess({ dataDir, databaseUrl: pair.urlAt(address, database), env }))
    }
    const book = join(directory, 'book')
    return { pair, servers, addresses, book, query: (text) => pair.primary.query(text, database), close }
  } catch (error) {
    await close()
    throw error
  }
}
