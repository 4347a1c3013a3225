import type { Dirent } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StartupError } from '#lib/errors.ts'

/** One migration as Prisma keeps it: a folder whose name begins with a time, with `migration.sql` in it. */
export interface Migration {
  readonly name: string
  readonly script: string
}

/** The migrations that the program comes with. */
export const ownMigrationsDir = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url))

/** The migrations in a folder, oldest first. @throws {StartupError} when one can't be read. */
export async function readMigrations(directory: string): Promise<Migration[]> {
  const folders = (await readFolder(directory)).filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(folders.sort().map(async (name) => ({ name, script: await readScript(directory, name) })))
}

async function readFolder(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true })
  } catch (error) {
    throw incomplete(directory, error)
  }
}

async function readScript(directory: string, name: string): Promise<string> {
  const path = join(directory, name, 'migration.sql')
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw incomplete(path, error)
  }
}

function incomplete(path: string, cause: unknown): StartupError {
  return new StartupError(
    `The installation is incomplete: its migrations at ${path} can't be read. Install it again.`,
    {
      cause,
    },
  )
}
