import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectory } from '#platform/system/make-directory.ts'
import { findSharedPlace, placeOf, sharedPlaces } from '#platform/system/shared-place.ts'
import { findBarrier, type SystemUser } from '#platform/system/system-user.ts'

/** Where one attempt's files live: below its server's own directory, so that a later server can tell whose they were. */
export function workspacePath(workspacesDir: string, serverId: string, taskId: string, fence: number): string {
  return join(workspacesDir, serverId, `${taskId}-${fence}`)
}

/**
 * Creates the directory, empty and closed to others. `isPassable`: the one above it can be passed, though not listed, by
 * every user, for an attempt that runs as another one.
 */
export async function createWorkspace(path: string, { isPassable }: { isPassable: boolean }): Promise<void> {
  if (isPassable) await makeDirectory(dirname(path), 0o711)
  await mkdir(path, { recursive: true, mode: 0o700 })
}

/**
 * Where the workspaces of a data directory lie: in it, or, when the user that attempts run as can't pass there, in a
 * place that everybody may pass. @throws {StartupError} when there is none.
 */
export async function locateWorkspaces(dataDir: string, user: SystemUser | undefined): Promise<string> {
  const local = join(dataDir, 'workspaces')
  if (user === undefined) return local
  const parent = (await findBarrier(dataDir, user)) === undefined ? dataDir : await placeElsewhere(dataDir, user)
  const directory = join(parent, 'workspaces')
  await mkdir(directory, { recursive: true })
  await chmod(directory, 0o711)
  return directory
}

async function placeElsewhere(dataDir: string, user: SystemUser): Promise<string> {
  return placeOf(dataDir, await findSharedPlace(sharedPlaces, user))
}

/** Removes the directory with all its content, whatever permissions the content has. */
export async function removeWorkspace(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 20 })
  } catch {
    await unlockDirectories(path)
    await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 })
  }
}

/** Package managers leave directories without the right to write, in which nobody but root may remove anything. */
async function unlockDirectories(path: string): Promise<void> {
  await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await unlockDirectories(join(path, entry.name))
}
