/**
 * Writes the next migration from what changed in schema/*.prisma since the last commit:
 * `node prisma/new-migration.ts <name>`. Needs no database. The statements are a draft: read them, and add what a schema
 * can't say.
 */
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { errorMessage } from '#lib/errors.ts'
import { diffSchemas } from '#platform/database/schema-engine.ts'

const run = promisify(execFile)
const directory = import.meta.dirname

/** The schema at the last commit; undefined when there was none. */
async function committedSchema(): Promise<string | undefined> {
  // With "./" a path is relative to the working directory, not to the repository.
  const git = async (...args: string[]) => (await run('git', args, { cwd: directory })).stdout
  const names = (await git('ls-tree', '--name-only', 'HEAD', './schema/')).split('\n').filter(isModel)
  const files = await Promise.all(names.map((name) => git('show', `HEAD:./${name}`)))
  return files.length === 0 ? undefined : files.join('\n')
}

async function presentSchema(): Promise<string> {
  const names = (await readdir(join(directory, 'schema'))).filter(isModel)
  return (await Promise.all(names.map((name) => readFile(join(directory, 'schema', name), 'utf8')))).join('\n')
}

function isModel(name: string): boolean {
  return name.endsWith('.prisma')
}

async function writeMigration(name: string): Promise<string> {
  const script = await diffSchemas(await committedSchema(), await presentSchema())
  const time = new Date().toISOString().replace(/\D/g, '').slice(0, 14)
  const folder = join(directory, 'migrations', `${time}_${name}`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'migration.sql'), script)
  return join(folder, 'migration.sql')
}

async function main(name = ''): Promise<number> {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) {
    process.stderr.write('Give the migration a name of lower-case letters, digits and _, such as add_task_labels.\n')
    return 2
  }
  try {
    process.stdout.write(`${await writeMigration(name)}\n`)
    return 0
  } catch (error) {
    // The engine's message points into the schema; its trace is of no use.
    process.stderr.write(`${errorMessage(error)}\n`)
    return 1
  }
}

process.exitCode = await main(process.argv[2])
