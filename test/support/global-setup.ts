import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { buildBundle } from '#src/bundle/build-bundle.ts'
import { findBundle } from '#src/bundle/find-bundle.js'
import { createTemplate, runOnce } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A real PostgreSQL for this run, whose database `template_signalbox` is migrated and empty. */
    clusterUrl: string
  }
}

const log = createLog({ level: 'error', format: 'json' })

/**
 * One PostgreSQL for the whole run; each test file clones the migrated template. Processes that tests start are servers
 * and command lines as users have them, from a bundle.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-test-'))
  // As root the database runs as another user, who has to pass.
  await chmod(dataDir, 0o711)
  const [cluster] = await Promise.all([
    startEmbeddedDatabase({ dataDir, log, onExit: () => {} }),
    findBundle() === undefined ? buildBundle() : undefined,
  ])
  // What a test run writes need not survive a power cut.
  await runOnce(cluster.url, 'ALTER ROLE CURRENT_USER SET synchronous_commit = off')
  // The whole suite can run in another time zone, for tests of everything that reads or writes moments.
  const timeZone = process.env['TEST_TIME_ZONE']
  if (timeZone !== undefined) await runOnce(cluster.url, `ALTER ROLE CURRENT_USER SET timezone = '${timeZone}'`)
  await createTemplate(cluster.url)
  project.provide('clusterUrl', cluster.url)
  return async () => {
    await cluster.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
