import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { embeddedSettings } from '#platform/embedded/postgres-process.ts'
import { buildBundle } from '#src/bundle/build-bundle.ts'
import { findBundle } from '#src/bundle/find-bundle.js'
import { type Cluster, createCluster } from './cluster.ts'
import { openRunDirectory } from './run-directory.ts'
import { createTemplate, runOnce } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A real PostgreSQL for this run, whose database `template_signalbox` is migrated and empty. */
    clusterUrl: string
  }
}

/** The embedded database, except that what a test run writes need not survive a power cut, or be tidied up. */
const settings = {
  ...embeddedSettings,
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum_naptime: '10min',
  max_connections: 150,
}

/**
 * One PostgreSQL for the whole run; each test file clones the migrated template. Processes that tests start are servers
 * and command lines as users have them, from a bundle.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = openRunDirectory()
  process.env['TMPDIR'] = directory.path
  const [cluster] = await Promise.all([startCluster(), findBundle() === undefined ? buildBundle() : undefined])
  await cheapenPassword(cluster.url)
  // The whole suite can run in another time zone, for tests of everything that reads or writes moments.
  const timeZone = process.env['TEST_TIME_ZONE']
  if (timeZone !== undefined) await runOnce(cluster.url, `ALTER ROLE CURRENT_USER SET timezone = '${timeZone}'`)
  await createTemplate(cluster.url)
  project.provide('clusterUrl', cluster.url)
  return async () => {
    await cluster.remove()
    directory.remove()
  }
}

async function startCluster(): Promise<Cluster> {
  const cluster = await createCluster(settings)
  await cluster.start()
  return cluster
}

/** A run opens thousands of connections, and each hashes the password many times to prove that it knows it. */
async function cheapenPassword(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('SET scram_iterations = 1')
  await client.query(`ALTER ROLE CURRENT_USER PASSWORD ${client.escapeLiteral(new URL(url).password)}`)
  await client.end()
}
