import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartupError } from '#lib/errors.ts'

export const secretKeyBytes = 32

/** The configured key or, without one, the data directory's own, which is created when missing. */
export async function findSecretKey(configured: Uint8Array | undefined, dataDir: string): Promise<Uint8Array> {
  return configured ?? (await ownKey(join(dataDir, 'secret-key')))
}

/** As {@link findSecretKey}, but makes nothing: undefined where there is no key yet. */
export async function lookForSecretKey(
  configured: Uint8Array | undefined,
  dataDir: string,
): Promise<Uint8Array | undefined> {
  if (configured !== undefined) return configured
  try {
    return await readKey(join(dataDir, 'secret-key'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function ownKey(file: string): Promise<Uint8Array> {
  try {
    await writeFile(file, randomBytes(secretKeyBytes).toString('base64'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readKey(file)
}

async function readKey(file: string): Promise<Uint8Array> {
  const key = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64')
  if (key.length !== secretKeyBytes)
    throw new StartupError(`${file} holds no key of ${secretKeyBytes} bytes in base64. Restore it from a backup.`)
  return key
}
