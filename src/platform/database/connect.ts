import pg from 'pg'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { applySessionSettings } from './session-settings.ts'

const connectTimeoutMs = 10_000
const oldestVersion = 15

/**
 * Opens one connection for the startup, to a PostgreSQL that is new enough; the caller closes it.
 * @throws {StartupError} with what is wrong and what would be right, never with the password.
 */
export async function connectForStartup(databaseUrl: string, applicationName: string): Promise<pg.Client> {
  const client = createClient(databaseUrl, applicationName)
  // A later failure is reported by the running statement; without a listener it would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await refuseOldServer(client)
    await applySessionSettings(client)
    return client
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error instanceof StartupError ? error : refusal(client, error)
  }
}

function createClient(databaseUrl: string, applicationName: string): pg.Client {
  try {
    return new pg.Client({
      connectionString: databaseUrl,
      application_name: applicationName,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
    })
  } catch {
    // The error of a parser may quote what it parsed, the password included.
    throw new StartupError(
      'DATABASE_URL is not an address of a PostgreSQL database. It has the form ' +
        'postgresql://user:password@host:5432/database, with special characters in the password percent-encoded.',
    )
  }
}

async function refuseOldServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version') AS version`)
  const version = rows[0]?.version ?? ''
  if (Number.parseInt(version, 10) >= oldestVersion) return
  throw new StartupError(
    `The database at ${addressOf(client)} is PostgreSQL ${version}, and Signalbox needs ${oldestVersion} or newer. ` +
      'Upgrade it, or leave DATABASE_URL unset to use the one that comes with Signalbox.',
  )
}

function refusal(client: pg.Client, error: unknown): StartupError {
  const { code } = error as { code?: string }
  const explain = refusals[code ?? ''] ?? (isUnreachable(error) ? unreachable : refused)
  return new StartupError(explain(client, error), { cause: error })
}

type Explain = (client: pg.Client, error: unknown) => string

const wrongPassword: Explain = (client) =>
  `The database at ${addressOf(client)} refuses the password of the user ${client.user}. Correct it in DATABASE_URL.`

const refusals: Record<string, Explain> = {
  '28P01': wrongPassword,
  '28000': (client, error) =>
    `The database at ${addressOf(client)} doesn't let the user ${client.user} in: ${errorMessage(error)}. ` +
    'Correct the user in DATABASE_URL, or admit it in pg_hba.conf.',
  '3D000': (client) =>
    `The server at ${addressOf(client)} has no database ${client.database}. ` +
    'Create it (CREATE DATABASE), or correct the name in DATABASE_URL.',
  '53300': (client) =>
    `The database at ${addressOf(client)} accepts no more connections. Raise its max_connections, or close some of its clients.`,
}

const unreachable: Explain = (client, error) =>
  `The database at ${addressOf(client)} can't be reached: ${reasonOf(error)}. Start it, or correct DATABASE_URL.`

const refused: Explain = (client, error) =>
  errorMessage(error).includes('password must be a string')
    ? `The database at ${addressOf(client)} asks for a password of the user ${client.user}, and DATABASE_URL has none. Add it there.`
    : `The database at ${addressOf(client)} can't be used: ${reasonOf(error)}.`

/** An error of the network or of the time it took; PostgreSQL's own codes have five characters. */
function isUnreachable(error: unknown): boolean {
  const { code } = error as { code?: string }
  return code === undefined ? /timeout|terminated/i.test(errorMessage(error)) : code.length !== 5
}

function reasonOf(error: unknown): string {
  const { code } = error as { code?: string }
  const message = errorMessage(error)
  if (message === '') return code ?? 'no reason was given'
  return code === undefined || message.includes(code) ? message : `${message} (${code})`
}

/** Host and port for a reader; a directory is that of a Unix socket. */
function addressOf({ host, port }: pg.Client): string {
  return host.startsWith('/') ? host : `${host}:${port}`
}
