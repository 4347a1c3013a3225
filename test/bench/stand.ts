import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type EmbeddedDatabase, startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { freePort } from '#platform/system/free-port.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { databaseUrl } from '#test/support/database-url.ts'
import { until } from '#test/support/until.ts'

export const token = 'bench-owner-token-of-forty-characters-000'

/** A database server with all its safety on, for Signalbox and its peers alike. */
export interface Stand {
  /** A new, empty database. */
  createDatabase(name: string): Promise<string>
  /** A Signalbox in a process of its own. */
  startServer(
    databaseUrl: string,
    env?: Record<string, string>,
  ): Promise<{ url: string; pid: number; stop(): Promise<void> }>
  /** A Signalbox with an embedded database of its own, and how to end it at once and start it again. */
  startEmbedded(
    env?: Record<string, string>,
  ): Promise<{ pid: number; url: string; restart(): Promise<void>; stop(): Promise<void> }>
  /** PostGraphile on the tables of a Signalbox. */
  startPostgraphile(databaseUrl: string): Promise<{ url: string; pid: number; stop(): Promise<void> }>
  /** What answers queries of a Signalbox's database without any check. */
  startUnguarded(databaseUrl: string): Promise<{ url: string; pid: number; stop(): Promise<void> }>
  close(): Promise<void>
}

export async function openStand(): Promise<Stand> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-bench-'))
  // As root the database runs as another user, who has to pass.
  await chmod(directory, 0o711)
  const log = createLog({ level: 'error', format: 'json' })
  const cluster: EmbeddedDatabase = await startEmbeddedDatabase({ dataDir: join(directory, 'database'), log })
  let servers = 0
  return {
    async createDatabase(name) {
      const client = new pg.Client({ connectionString: cluster.url })
      await client.connect()
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`)
      await client.end()
      return databaseUrl(cluster.url, name)
    },
    async startServer(url, env = {}) {
      servers += 1
      return startServer(url, join(directory, `server-${servers}`), env)
    },
    async startEmbedded(env = {}) {
      servers += 1
      const dataDir = join(directory, `server-${servers}`)
      const port = String(await freePort())
      const start = () => startServer(undefined, dataDir, { PORT: port, ...env })
      let server = await start()
      return {
        get pid() {
          return server.pid
        },
        url: server.url,
        async restart() {
          await server.kill()
          server = await start()
        },
        stop: () => server.stop(),
      }
    },
    startPostgraphile: (url) =>
      startProgram(
        'postgraphile.ts',
        { PATH: process.env['PATH'], DATABASE_URL: url, NODE_ENV: 'production' },
        '/graphql',
      ),
    startUnguarded: (url) => startProgram('unguarded.ts', { PATH: process.env['PATH'], DATABASE_URL: url }, '/'),
    async close() {
      await cluster.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function startServer(url: string | undefined, dataDir: string, env: Record<string, string>) {
  const all = {
    PATH: process.env['PATH'],
    ...(url !== undefined && { DATABASE_URL: url }),
    DATA_DIR: dataDir,
    BOOTSTRAP_TOKEN: token,
    SIGNALBOX_CONFIG: fileURLToPath(new URL('./bench.config.ts', import.meta.url)),
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    // Everything is counted as ever, but a minute has more than can be measured in it.
    RATE_LIMIT_TOKEN: '1000000000',
    COST_LIMIT_TOKEN: '1000000000',
    ...env,
  }
  return startProgram('../../src/signalbox.js', all, '/readyz', ['serve'])
}

/** A program of ours in a process of its own, once it answers at all under this path. */
async function startProgram(file: string, env: NodeJS.ProcessEnv, path: string, args: readonly string[] = []) {
  const port = env['PORT'] ?? (await freePort())
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL(file, import.meta.url)), ...args], {
    env: { PORT: String(port), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const base = `http://127.0.0.1:${port}`
  let complaints = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk
  })
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode}: ${complaints}`)
    const response = await fetch(`${base}${path}`).catch(() => undefined)
    return response !== undefined && response.status < 500
  }, 20_000)
  return {
    url: base,
    pid: child.pid ?? 0,
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    async stop() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
