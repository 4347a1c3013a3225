import { randomBytes, randomUUID } from 'node:crypto'
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { type EmbeddedLocation, isCluster } from './location.ts'
import { runPostgresTool } from './postgres-tool.ts'
import type { PostgresProgram } from './program.ts'

/** Role and database of the embedded server. */
export const embeddedName = 'signalbox'

/**
 * Passwords are the only way in, and only over loopback. The superuser has none: statements of the server, injected ones
 * included, can't reach the operating system through `COPY … PROGRAM`.
 */
const hostBasedAuthentication = 'host all all 127.0.0.1/32 scram-sha-256\n'

/**
 * Makes sure that the cluster exists and lets the role `signalbox` in with the password in the file, which is created
 * when missing. A cluster appears under its name only when it is whole and on disk, so an interrupted first start is
 * simply repeated.
 * @throws {StartupError} with PostgreSQL's own reason, when it can't be made.
 */
export async function ensureCluster(
  location: EmbeddedLocation,
  program: PostgresProgram,
  passwordFile: string,
): Promise<string> {
  const known = await readPassword(passwordFile)
  const password = known ?? randomBytes(24).toString('base64url')
  if (!(await isCluster(location.clusterDir))) {
    await createCluster(location, program, password)
  } else if (known === undefined) {
    await runSql(location, location.clusterDir, program, [`ALTER ROLE ${embeddedName} PASSWORD '${password}'`])
  }
  if (known === undefined) await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  return password
}

async function readPassword(passwordFile: string): Promise<string | undefined> {
  const text = await readFile(passwordFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text?.trim() || undefined
}

async function createCluster(location: EmbeddedLocation, program: PostgresProgram, password: string): Promise<void> {
  const { clusterDir } = location
  await removeDrafts(clusterDir)
  const draft = `${clusterDir}.new-${randomUUID()}`
  try {
    await makeDraft(location, draft)
    await initialize(location, draft, program)
    const role = `CREATE ROLE ${embeddedName} LOGIN CREATEDB PASSWORD '${password}'`
    const database = `CREATE DATABASE ${embeddedName} OWNER ${embeddedName}`
    await runSql(location, draft, program, [role, database], { fsync: 'off' })
    await initdb(location, draft, program, ['--sync-only'])
    await publish(draft, clusterDir)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function makeDraft({ clusterDir, user }: EmbeddedLocation, draft: string): Promise<void> {
  try {
    await mkdir(draft, { mode: 0o700 })
    if (user !== undefined) await chown(draft, user.uid, user.gid)
  } catch (error) {
    throw new StartupError(`The database's directory ${clusterDir} can't be created: ${errorMessage(error)}.`, {
      cause: error,
    })
  }
}

async function initialize(location: EmbeddedLocation, draft: string, program: PostgresProgram): Promise<void> {
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  // Nobody is let in by what initdb writes. Everything is brought to disk at once, after the last step.
  const options = ['--username=postgres', '--auth=reject', '--no-sync', '--no-instructions', ...locale]
  await initdb(location, draft, program, options)
  await writeFile(join(draft, 'pg_hba.conf'), hostBasedAuthentication)
}

function initdb(location: EmbeddedLocation, directory: string, program: PostgresProgram, options: readonly string[]) {
  return runPostgresTool({
    program: program.initdb,
    arguments: [`--pgdata=${directory}`, ...options],
    directory,
    user: location.user,
    complaint: `The database can't be created in ${location.clusterDir}`,
  })
}

/** Runs statements on a cluster that isn't running, as its superuser, who needs no password there. */
function runSql(
  location: EmbeddedLocation,
  directory: string,
  program: PostgresProgram,
  statements: readonly string[],
  settings: Readonly<Record<string, string>> = {},
) {
  const flags = Object.entries({ log_checkpoints: 'off', ...settings }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ])
  return runPostgresTool({
    program: program.postgres,
    // With -j a statement ends at a semicolon before an empty line.
    arguments: ['--single', '-j', '-D', directory, ...flags, 'postgres'],
    directory,
    user: location.user,
    input: statements.map((statement) => `${statement};\n\n`).join(''),
    complaint: `The database in ${location.clusterDir} can't be set up`,
  })
}

async function publish(draft: string, clusterDir: string): Promise<void> {
  await rename(draft, clusterDir)
  const parent = await open(dirname(clusterDir))
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

/** Removes what interrupted first starts have left. */
async function removeDrafts(clusterDir: string): Promise<void> {
  const parent = dirname(clusterDir)
  for (const name of await readdir(parent)) {
    if (!name.startsWith(`${basename(clusterDir)}.new-`)) continue
    // An initdb that outlived its server may still be writing there; the next first start tries again.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined)
  }
}
