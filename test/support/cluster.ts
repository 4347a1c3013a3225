import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedName, ensureCluster } from '#platform/embedded/cluster.ts'
import { locateCluster } from '#platform/embedded/location.ts'
import { findProgram } from '#platform/embedded/program.ts'
import { freePort } from '#platform/system/free-port.ts'
import { sharedPlaces } from '#platform/system/shared-place.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { PostgresServer, type PostgresSettings } from './postgres-server.ts'

/** A PostgreSQL of a test's own, at an address that stays; not one that a Signalbox server has started. */
export interface Cluster {
  readonly url: string
  /** Starts it again, whatever its state; resolves when it accepts connections. */
  start(): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Lets all its processes stand still, or go on: connections stay, and nobody answers. */
  freeze(): void
  thaw(): void
  /** Ends it, and removes its files. */
  remove(): Promise<void>
}

/** @param settings beside those that clients need to reach it */
export async function createCluster(settings: PostgresSettings = {}): Promise<Cluster> {
  const log = createLog({ level: 'error', format: 'json' })
  const dataDir = await mkdtemp(join(tmpdir(), 'signalbox-cluster-'))
  // As root the database runs as another user, who has to pass.
  await chmod(dataDir, 0o711)
  const location = await locateCluster(dataDir, sharedPlaces)
  const program = await findProgram({ user: location.user, sharedPlaces, log })
  const password = await ensureCluster(location, program, join(dataDir, 'postgres-password'))
  const port = await freePort()
  const server = new PostgresServer({
    program: program.postgres,
    directory: location.clusterDir,
    user: location.user,
    settings: { ...settings, port, listen_addresses: '127.0.0.1', unix_socket_directories: '' },
  })
  return {
    url: `postgresql://${embeddedName}:${password}@127.0.0.1:${port}/${embeddedName}`,
    start: () => server.start(),
    kill: () => server.end('SIGKILL'),
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async remove() {
      await server.end('SIGQUIT')
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
