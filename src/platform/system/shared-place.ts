import { createHash } from 'node:crypto'
import { lstat, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StartupError } from '#lib/errors.ts'
import { makeDirectory } from './make-directory.ts'
import { findBarrier, type SystemUser } from './system-user.ts'

/** Where root keeps what an unprivileged user has to reach and can't where it belongs; the first that serves. */
export const sharedPlaces: readonly string[] = ['/var/lib/signalbox', join(tmpdir(), 'signalbox')]

/**
 * The first of the directories that this process can write and the user can pass; created when missing.
 * @throws {StartupError} when none serves.
 */
export async function findSharedPlace(candidates: readonly string[], user: SystemUser): Promise<string> {
  for (const candidate of candidates) {
    if (await serves(candidate, user)) return candidate
  }
  throw new StartupError(
    `The user ${user.name ?? user.uid}, as whom root has to run part of this, can reach neither the data directory nor ` +
      `any of ${candidates.join(', ')}. Set DATA_DIR to a directory below ones that everybody may pass (chmod o+x).`,
  )
}

/** The directory in a shared place that belongs to a data directory; created when missing. */
export async function placeOf(dataDir: string, place: string): Promise<string> {
  const name = createHash('sha256')
    .update(await realpath(dataDir))
    .digest('hex')
    .slice(0, 16)
  const directory = join(place, name)
  await makeDirectory(directory, 0o711)
  return directory
}

async function serves(directory: string, user: SystemUser): Promise<boolean> {
  try {
    await makeDirectory(directory, 0o711)
    const found = await lstat(directory)
    // In a directory for everybody, such as /tmp, somebody else may have been there first.
    const isOurs = found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0
    return isOurs && (await findBarrier(directory, user)) === undefined
  } catch {
    return false
  }
}
