import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startServerProcess } from '#test/support/process.ts'
import { createTestDatabase } from '#test/support/server.ts'

/** Generous: about 180 are used. */
const maxMegabytes = 220

it.runIf(process.platform === 'linux')('uses little memory once it has started', async () => {
  const database = await createTestDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-memory-'))
  const server = await startServerProcess({ dataDir, databaseUrl: database.url })
  try {
    const status = await readFile(`/proc/${server.child.pid}/status`, 'utf8')
    expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024).toBeLessThan(maxMegabytes)
  } finally {
    await server.end('SIGTERM')
    await rm(dataDir, { recursive: true, force: true })
    await database.drop()
  }
})
