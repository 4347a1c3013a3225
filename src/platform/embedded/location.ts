import { access, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartupError } from '#lib/errors.ts'
import { findSharedPlace, placeOf } from '#platform/system/shared-place.ts'
import { findBarrier, isRoot, type SystemUser, unprivilegedUser } from '#platform/system/system-user.ts'
import type { Logger } from '#platform/telemetry/log.ts'

/** Where a cluster's files lie, and who has to own and run them. */
export interface EmbeddedLocation {
  readonly clusterDir: string
  /** Undefined: this process's own user. */
  readonly user: SystemUser | undefined
}

/**
 * Decides where the cluster of a data directory lies: in `<dataDir>/postgres`, or, when this process is root and the
 * unprivileged user can't reach that, in a shared place under a name made from the data directory's path. A cluster
 * that exists stays where it is, and keeps its owner.
 * @throws {StartupError} when an existing cluster is gone, can't be reached, or belongs to somebody else.
 */
export async function locateCluster(dataDir: string, sharedPlaces: readonly string[]): Promise<EmbeddedLocation> {
  const local = join(dataDir, 'postgres')
  const noted = await readNote(dataDir)
  if (noted !== undefined && !(await isCluster(noted))) throw clusterIsGone(noted, dataDir)
  const existing = noted ?? ((await isCluster(local)) ? local : undefined)
  if (existing !== undefined) return existingCluster(existing)
  if (!isRoot()) return { clusterDir: local, user: undefined }
  const user = await unprivilegedUser()
  if ((await findBarrier(dataDir, user)) === undefined) return { clusterDir: local, user }
  const place = await placeOf(dataDir, await findSharedPlace(sharedPlaces, user))
  return { clusterDir: join(place, 'postgres'), user }
}

/** Notes in the data directory where its cluster lies, when that is outside of it, and there whose it is. */
export async function noteLocation(dataDir: string, { clusterDir, user }: EmbeddedLocation, log: Logger) {
  if (clusterDir === join(dataDir, 'postgres') || (await readNote(dataDir)) === clusterDir) return
  await writeFile(notePath(dataDir), `${clusterDir}\n`, { mode: 0o600 })
  await writeFile(join(dirname(clusterDir), 'data-directory'), `${dataDir}\n`, { mode: 0o600 })
  log.info(
    { clusterDir },
    `the database is kept outside of ${dataDir}, which the user ${user?.name} that it runs as can't reach`,
  )
}

/** Whether the directory holds a database cluster; one that isn't whole doesn't count. */
export async function isCluster(directory: string): Promise<boolean> {
  return access(join(directory, 'PG_VERSION')).then(
    () => true,
    () => false,
  )
}

async function existingCluster(clusterDir: string): Promise<EmbeddedLocation> {
  const { uid, gid } = await stat(clusterDir)
  if (!isRoot()) {
    if (process.getuid !== undefined && process.getuid() !== uid) throw ownedByOther(clusterDir, uid)
    return { clusterDir, user: undefined }
  }
  const user = uid === 0 ? await unprivilegedUser() : { name: `with the number ${uid}`, uid, gid }
  const barrier = await findBarrier(clusterDir, user)
  if (barrier !== undefined) throw unreachable(clusterDir, barrier, user)
  return { clusterDir, user }
}

function notePath(dataDir: string): string {
  return join(dataDir, 'postgres-location')
}

async function readNote(dataDir: string): Promise<string | undefined> {
  const text = await readFile(notePath(dataDir), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text?.trim()
}

function clusterIsGone(clusterDir: string, dataDir: string): StartupError {
  return new StartupError(
    `The database's files were in ${clusterDir}, as ${notePath(dataDir)} says, and are not there any more. ` +
      'Put them back, or delete that note to start with an empty database.',
  )
}

function ownedByOther(clusterDir: string, uid: number): StartupError {
  return new StartupError(
    `The database's files in ${clusterDir} belong to the user with the number ${uid}, and this is the user ` +
      `${process.getuid?.()}. Start Signalbox as that user or as root, or give the files to this user (chown -R).`,
  )
}

function unreachable(clusterDir: string, barrier: string, user: SystemUser): StartupError {
  return new StartupError(
    `The database's files in ${clusterDir} can't be reached by the user ${user.name}, as whom the database has to run: ` +
      `${barrier} doesn't let him pass. Allow that (chmod o+x ${barrier}), or move the data directory elsewhere.`,
  )
}
