import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AttemptSecret } from '#domain/tasks/task-secrets.ts'

const directory = '.secrets'

/** What an attempt finds under the names of its secrets: values, and paths of files. */
export function secretVariables(secrets: readonly AttemptSecret[], workspace: () => string): Record<string, string> {
  return Object.fromEntries(
    secrets.map(({ name, form, value }) => [name, form === 'env' ? value : join(workspace(), directory, name)]),
  )
}

/** Writes the files of those that are given as files; only the user who writes them can read them. */
export async function writeSecretFiles(secrets: readonly AttemptSecret[], workspace: () => string): Promise<void> {
  const files = secrets.filter(({ form }) => form === 'file')
  if (files.length === 0) return
  const parent = join(workspace(), directory)
  await mkdir(parent, { mode: 0o700 })
  await Promise.all(files.map(({ name, value }) => writeFile(join(parent, name), value, { mode: 0o600, flag: 'wx' })))
}
