import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartupError } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'

/** Makes the data directory when it isn't there. @throws {StartupError} when that can't be. */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    // As root the embedded database's unprivileged user has to pass; what is secret in there has a mode of its own.
    await mkdir(dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    await writeFile(join(dataDir, '.gitignore'), '*\n', { mode: 0o600 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new StartupError(
      `The data directory ${dataDir} can't be written (${reason}). Set DATA_DIR to one that can.`,
      { cause },
    )
  }
}

/** What tells this installation from others on the same machine; made once, kept in the data directory. */
export async function installationId(dataDir: string): Promise<string> {
  const file = join(dataDir, 'installation-id')
  try {
    await writeFile(file, newId(), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return (await readFile(file, 'utf8')).trim()
}
