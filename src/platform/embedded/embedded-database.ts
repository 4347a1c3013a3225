import { realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { makeDirectory } from '#platform/system/make-directory.ts'
import { sharedPlaces } from '#platform/system/shared-place.ts'
import { isRoot } from '#platform/system/system-user.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { embeddedName, ensureCluster } from './cluster.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { type EmbeddedLocation, locateCluster, noteLocation } from './location.ts'
import { stopOrphans } from './orphans.ts'
import { PostgresProcess } from './postgres-process.ts'
import { findProgram } from './program.ts'

export interface EmbeddedDatabaseOptions {
  /** Holds the database, its password and the lock; made when missing. */
  readonly dataDir: string
  readonly log: Logger
  /** Called when PostgreSQL exits unexpectedly, with a sentence for the operator. {@link EmbeddedDatabase.stop} is still due. */
  readonly onExit?: (reason: string) => void
  /** Where root may keep what the database's unprivileged user can't reach in `dataDir`. */
  readonly sharedPlaces?: readonly string[]
}

/** A PostgreSQL that belongs to this process. */
export interface EmbeddedDatabase {
  /** With the password: not for logs. */
  readonly url: string
  /** Such as `18.4`. */
  readonly version: string
  /** Ends it by a fast shutdown, after which the data directory is free for another server. A second call does nothing. */
  stop(): Promise<void>
}

/**
 * Starts the PostgreSQL that comes with the program, on a free port of loopback, with its data in the data directory;
 * the first start creates it. What an earlier server that was killed has left is cleaned up and recovered.
 * @throws {StartupError} when another server uses the directory, it can't be written, or PostgreSQL doesn't start.
 */
export async function startEmbeddedDatabase(options: EmbeddedDatabaseOptions): Promise<EmbeddedDatabase> {
  const dataDir = await makeDataDir(options.dataDir)
  await using resources = new AsyncDisposableStack()
  const hold = async (directory: string) => {
    resources.adopt(await lockDirectory(directory), (lock: DirectoryLock) => lock.release())
  }
  await hold(dataDir)
  const location = await locateCluster(dataDir, options.sharedPlaces ?? sharedPlaces)
  // Two copies of a data directory may note the same place for their database.
  const clusterParent = await realpath(dirname(location.clusterDir))
  if (clusterParent !== (await realpath(dataDir))) await hold(clusterParent)
  const { server, url } = await startCluster(dataDir, location, options)
  resources.defer(() => server.stop())
  const running = resources.move()
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= running.disposeAsync()
    return stopped
  }
  return { url, version: server.version, stop }
}

async function startCluster(dataDir: string, location: EmbeddedLocation, options: EmbeddedDatabaseOptions) {
  const { log, onExit = () => {} } = options
  const program = await findProgram({
    user: location.user,
    sharedPlaces: options.sharedPlaces ?? sharedPlaces,
    log,
  })
  await stopOrphans(location.clusterDir, log)
  const password = await ensureCluster(location, program, join(dataDir, 'postgres-password'))
  await noteLocation(dataDir, location, log)
  const server = await PostgresProcess.start({ location, program, log, onExit })
  const url = `postgresql://${embeddedName}:${password}@127.0.0.1:${server.port}/${embeddedName}`
  return { server, url }
}

async function makeDataDir(dataDir: string): Promise<string> {
  try {
    // As root the database's unprivileged user has to pass; what is secret in there has a mode of its own.
    await makeDirectory(dataDir, isRoot() ? 0o711 : 0o700)
    return await realpath(dataDir)
  } catch (error) {
    throw new StartupError(
      `The data directory ${dataDir} can't be made: ${errorMessage(error)}. ` +
        'Allow this user to write there, or set DATA_DIR to another directory.',
      { cause: error },
    )
  }
}
