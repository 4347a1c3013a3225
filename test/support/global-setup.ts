import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { queueNames } from '#domain/tasks/jobs.ts'
import { openDatabase } from '#platform/database/client.ts'
import { startEmbeddedDatabase } from '#platform/database/embedded.ts'
import { migrate } from '#platform/database/migrate.ts'
import { Queue } from '#platform/queue/queue.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { databaseUrl } from './database-url.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A real PostgreSQL for this run, whose database `template_signalbox` is migrated and empty. */
    clusterUrl: string
  }
}

const log = createLog({ level: 'error', format: 'json' })

/** One PostgreSQL for the whole run; each test file clones the migrated template. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-test-'))
  // As root the database runs as another user, who has to pass.
  await chmod(dataDir, 0o711)
  const cluster = await startEmbeddedDatabase({ dataDir, log, onExit: () => {} })
  await prepare(cluster.url)
  project.provide('clusterUrl', cluster.url)
  return async () => {
    await cluster.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function prepare(clusterUrl: string): Promise<void> {
  const admin = new pg.Client({ connectionString: clusterUrl })
  await admin.connect()
  // What a test run writes need not survive a power cut.
  await admin.query('ALTER ROLE CURRENT_USER SET synchronous_commit = off')
  await admin.query('CREATE DATABASE template_signalbox')
  await admin.end()
  const url = databaseUrl(clusterUrl, 'template_signalbox')
  await migrate({ databaseUrl: url, log })
  const database = openDatabase({ url, poolSize: 2, onError: () => {} })
  await (await Queue.start({ database, queues: queueNames, log })).stop()
  await database.close()
}
