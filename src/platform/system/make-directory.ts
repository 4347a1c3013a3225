import { chmod, mkdir } from 'node:fs/promises'

/** Makes a directory, and those above it, when it isn't there; with exactly this mode, whatever the process's umask. */
export async function makeDirectory(path: string, mode: number): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode }).catch((error: NodeJS.ErrnoException) => {
    // What Node says of a file system that is read-only; the plain call says what it is.
    if (error.code === 'ENOENT') return mkdir(path, { mode })
    throw error
  })
  if (made !== undefined) await chmod(path, mode)
}
