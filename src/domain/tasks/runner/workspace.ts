import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Where one attempt's files live: below its server's own directory, so that a later server can tell whose they were. */
export function workspacePath(workspacesDir: string, serverId: string, taskId: string, fence: number): string {
  return join(workspacesDir, serverId, `${taskId}-${fence}`)
}

/** Makes the directory, empty and for nobody else. */
export async function createWorkspace(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
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
