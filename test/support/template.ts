import pg from 'pg'
import { openDatabase } from '#platform/database/client.ts'
import { migrate } from '#platform/database/migrate.ts'
import { Queue } from '#platform/queue/queue.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { queueNames } from '#src/app/queues.ts'
import { databaseUrl } from './database-url.ts'

const template = 'template_signalbox'
const log = createLog({ level: 'error', format: 'json' })

/** Makes the migrated, empty database of a cluster that others are clones of. */
export async function createTemplate(clusterUrl: string): Promise<void> {
  await runOnce(clusterUrl, `CREATE DATABASE ${template}`)
  const url = databaseUrl(clusterUrl, template)
  await migrate({ databaseUrl: url, log })
  const database = openDatabase({ url, poolSize: 2, onError: () => {} })
  await (await Queue.start({ database, queues: queueNames, log })).stop()
  await database.close()
}

/** Makes a clone of the template; returns its URL. */
export async function cloneTemplate(clusterUrl: string, name: string): Promise<string> {
  // By the write-ahead log, page by page, it would take several times as long.
  await runOnce(clusterUrl, `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`)
  return databaseUrl(clusterUrl, name)
}

/** Runs one statement over a connection of its own. */
export async function runOnce(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
