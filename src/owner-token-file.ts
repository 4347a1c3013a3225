import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Writes the owner's token where only the server's user can read it, since what is not a terminal may be kept by a log
 * collector. @returns the absolute path
 */
export async function writeOwnerToken(dataDir: string, token: string): Promise<string> {
  const file = join(dataDir, 'owner-token')
  await rm(file, { force: true })
  await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx' })
  await chmod(file, 0o600)
  return file
}
