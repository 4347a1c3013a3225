import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { migrate } from '#platform/database/migrate.ts'
import { ownMigrationsDir, readMigrations } from '#platform/database/migration-folder.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { databaseUrl } from './database-url.ts'
import type { TestDatabase } from './server.ts'
import { runOnce } from './template.ts'

const log = createLog({ level: 'error', format: 'json' })

/** A database of an earlier version: without this migration and those after it, which `migrate` applies. */
export async function createDatabaseBefore(migration: string): Promise<TestDatabase & { migrate(): Promise<void> }> {
  const clusterUrl = inject('clusterUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  await runOnce(clusterUrl, `CREATE DATABASE ${name}`)
  const url = databaseUrl(clusterUrl, name)
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-migrations-'))
  for (const earlier of await readMigrations(ownMigrationsDir))
    if (earlier.name < migration)
      await cp(join(ownMigrationsDir, earlier.name), join(directory, earlier.name), { recursive: true })
  await migrate({ databaseUrl: url, log, migrationsDir: directory })
  await rm(directory, { recursive: true })
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  return {
    url,
    query: async <Row>(text: string, values?: unknown[]) => (await pool.query(text, values)).rows as Row[],
    migrate: async () => void (await migrate({ databaseUrl: url, log })),
    async drop() {
      await pool.end()
      await runOnce(clusterUrl, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}
