import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { createLog } from '#platform/telemetry/log.ts'
import { type App, startApp } from '#src/app.ts'
import { readConfig } from '#src/config.ts'
import { openInstallation } from '#src/installation.ts'
import { shareCompileCache } from './compile-cache.ts'
import { cloneTemplate, runOnce } from './template.ts'
import { until } from './until.ts'

/** Servers that share a database need the same. */
export const secretKey = Buffer.alloc(32, 'k').toString('base64')
export const ownerToken = 'test-owner-token-of-forty-characters-0000'

export interface TestDatabase {
  readonly url: string
  query<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>
  drop(): Promise<void>
}

/** A database of this file's own: a clone of the migrated template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const clusterUrl = inject('clusterUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  const url = await cloneTemplate(clusterUrl, name)
  const pool = new pg.Pool({ connectionString: url, max: 2 })
  return {
    url,
    query: async <Row>(text: string, values?: unknown[]) => (await pool.query(text, values)).rows as Row[],
    async drop() {
      await pool.end()
      // Connections that were just closed end on their own: nobody listens any more for the error of a forced end.
      const patienceEnds = Date.now() + patienceMs
      await until(() => dropped(clusterUrl, name, Date.now() > patienceEnds))
    },
  }
}

/** How long connections have to end by themselves, in milliseconds. */
const patienceMs = 1_000
/** Somebody is connected still, or autovacuum works there, which only a superuser may stop. */
const inUse = new Set(['55006', '42501'])

/** Whether it could be dropped. */
async function dropped(clusterUrl: string, name: string, isForced: boolean): Promise<boolean> {
  try {
    await runOnce(clusterUrl, `DROP DATABASE ${name}${isForced ? ' WITH (FORCE)' : ''}`)
    return true
  } catch (error) {
    if (inUse.has((error as { code?: string }).code ?? '')) return false
    throw error
  }
}

export interface TestServer {
  readonly url: string
  /** The owner's token. */
  readonly token: string
  readonly database: TestDatabase
  readonly dataDir: string
  /** The account of the token, where the server is shared by several. */
  readonly accountId?: string
  /** Stops the server, and drops its database unless the caller provided it. */
  close(): Promise<void>
}

export interface TestServerOptions {
  /** Variables beside the fixture's own. */
  readonly env?: Record<string, string>
  /** Shared with another server; this one then doesn't drop it. */
  readonly database?: TestDatabase
  readonly configFile?: string
}

/** A whole server on a port of its own and, unless the caller provides one, a database of its own. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = options.database ?? (await createTestDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-data-'))
  shareCompileCache(join(dataDir, 'workspaces'))
  const env = {
    PATH: process.env['PATH'],
    PORT: '0',
    DATABASE_URL: database.url,
    DATABASE_POOL: '5',
    DATA_DIR: dataDir,
    BOOTSTRAP_TOKEN: ownerToken,
    SECRET_KEY: secretKey,
    SHUTDOWN_TIMEOUT_MS: '2000',
    WARM_TASK_PROCESSES: '0',
    TASK_USER: String(process.getuid?.() ?? ''),
    LOG_LEVEL: 'warn',
    LOG_FORMAT: 'json',
    ...options.env,
  }
  const config = readConfig(env, {
    workingDirectory: process.cwd(),
    isTerminal: false,
    configFile: options.configFile,
  })
  const log = createLog({ level: config.logLevel, format: 'json' })
  const onFatal = (error: Error) => {
    throw error
  }
  const app: App = await startApp(config, openInstallation(config, { log, onFatal }), log)
  return {
    url: app.url,
    token: ownerToken,
    database,
    dataDir,
    async close() {
      await app.stop()
      await rm(dataDir, { recursive: true, force: true })
      if (options.database === undefined) await database.drop()
    },
  }
}
