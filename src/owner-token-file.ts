import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

function fileIn(dataDir: string): string {
  return join(dataDir, 'owner-token')
}

/**
 * Writes the owner's token where only the server's user can read it, since what is not a terminal may be kept by a log
 * collector. @returns the absolute path
 */
export async function writeOwnerToken(dataDir: string, token: string): Promise<string> {
  const file = fileIn(dataDir)
  await rm(file, { force: true })
  await writeFile(file, `${token}\n`, { mode: 0o600, flag: 'wx' })
  await chmod(file, 0o600)
  return file
}

/** The token in the file of an earlier start, and the file's absolute path; undefined when no file can be read. */
export async function readOwnerToken(
  dataDir: string,
): Promise<{ readonly file: string; readonly token: string } | undefined> {
  const file = fileIn(dataDir)
  const text = await readFile(file, 'utf8').catch(() => '')
  return text.trim() === '' ? undefined : { file, token: text.trim() }
}
