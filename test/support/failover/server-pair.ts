import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { embeddedName, ensureCluster } from '#platform/embedded/cluster.ts'
import { type EmbeddedLocation, locateCluster } from '#platform/embedded/location.ts'
import { runPostgresTool } from '#platform/embedded/postgres-tool.ts'
import { findProgram, type PostgresProgram } from '#platform/embedded/program.ts'
import { freePort } from '#platform/system/free-port.ts'
import { sharedPlaces } from '#platform/system/shared-place.ts'
import type { SystemUser } from '#platform/system/system-user.ts'
import { createLog } from '#platform/telemetry/log.ts'
import { PostgresServer } from '#test/support/postgres-server.ts'
import { until } from '#test/support/until.ts'
import { Forwarder } from './forwarder.ts'

/** The superuser and replication role of a pair; Signalbox itself uses an ordinary role, as it should. */
const operator = 'operator'

const hostBasedAuthentication = [
  `host all ${operator} 127.0.0.1/32 trust`,
  `host replication ${operator} 127.0.0.1/32 trust`,
  'host all all 127.0.0.1/32 scram-sha-256',
]

const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 60,
  shared_buffers: '32MB',
  io_method: 'sync',
  wal_level: 'replica',
  wal_keep_size: '256MB',
  hot_standby: 'on',
  // A killed process loses nothing that it has written, and the machine itself stays up.
  fsync: 'off',
  timezone: 'UTC',
} as const

/** One of the two servers. */
interface PairMember {
  readonly port: number
  /** Runs a statement as superuser, over a connection of its own. */
  query<Row = Record<string, unknown>>(text: string, database?: string): Promise<Row[]>
  /** Lets its processes stand still, or continue. */
  freeze(): void
  thaw(): void
}

/** A primary, an asynchronous standby, and the addresses under which servers find them. */
export interface ServerPair {
  readonly primary: PairMember
  /** Undefined after a failover, until the former primary has rejoined. */
  readonly standby: PairMember | undefined
  /** When a standby was last promoted, in milliseconds since 1970. */
  readonly promotedAt: number
  /** Opens another address of the database; it leads to the primary until it is switched. */
  openAddress(): Promise<Forwarder>
  /** The database's URL through an address. */
  urlAt(address: Forwarder, database?: string): string
  /** Waits until the standby has replayed what the primary has committed. */
  catchUp(): Promise<void>
  /** Stops replication: what the primary commits from now on is lost with it. */
  cutReplication(): void
  /** Ends the primary as a power cut would; the standby stays one. */
  killPrimary(): Promise<void>
  /** Makes the standby the primary. Resolves when it accepts writes; addresses are not touched. */
  promote(): Promise<void>
  /**
   * Shuts the primary down, promotes the standby, which has everything, and starts the former primary as its standby.
   * `meanwhile` runs when the former primary is down and before the standby is promoted. Addresses are not touched.
   */
  switchOver(meanwhile?: () => void | Promise<void>): Promise<void>
  /** Makes a new standby of the server that was killed, from a copy of the primary. */
  rejoin(): Promise<void>
  /** Ends both servers and removes their files. */
  remove(): Promise<void>
}

/** Creates a primary and an asynchronous standby of PostgreSQL on loopback, both running. */
export async function createServerPair(): Promise<ServerPair> {
  const log = createLog({ level: 'error', format: 'json' })
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-pair-'))
  // As root the database runs as another user, who has to pass.
  await chmod(directory, 0o711)
  const location = await locateCluster(directory, sharedPlaces)
  const program = await findProgram({ user: location.user, sharedPlaces, log })
  const password = await ensureCluster(location, program, join(directory, 'postgres-password'))
  await createOperator(location, program)
  const first = await createMember(location, program, location.clusterDir)
  await first.start({})
  const pair = new Pair(directory, password, first, await createMember(location, program, `${location.clusterDir}-2`))
  await pair.rejoin()
  return pair
}

async function createOperator({ clusterDir, user }: EmbeddedLocation, program: PostgresProgram): Promise<void> {
  await runPostgresTool({
    program: program.postgres,
    arguments: ['--single', '-j', '-D', clusterDir, 'postgres'],
    directory: clusterDir,
    user,
    input: `CREATE ROLE ${operator} SUPERUSER REPLICATION LOGIN;\n\n`,
    complaint: 'The operator could not be created',
  })
  await writeFile(join(clusterDir, 'pg_hba.conf'), `${hostBasedAuthentication.join('\n')}\n`)
}

interface Member extends PairMember {
  readonly directory: string
  readonly user: SystemUser | undefined
  readonly server: PostgresServer
  start(replication: { readonly primaryPort?: number }): Promise<void>
}

async function createMember(location: EmbeddedLocation, program: PostgresProgram, directory: string): Promise<Member> {
  const port = await freePort()
  const { user } = location
  const server = new PostgresServer({
    program: program.postgres,
    directory,
    user,
    settings: { ...settings, port },
  })
  return {
    port,
    directory,
    user,
    server,
    async query<Row>(text: string, database = embeddedName) {
      const client = new pg.Client({ host: '127.0.0.1', port, user: operator, database })
      client.on('error', () => {})
      await client.connect()
      try {
        return (await client.query(text)).rows as Row[]
      } finally {
        await client.end()
      }
    },
    freeze: () => server.freeze(),
    thaw: () => server.thaw(),
    async start({ primaryPort }) {
      const standbySignal = join(directory, 'standby.signal')
      if (primaryPort === undefined) {
        await rm(standbySignal, { force: true })
        return server.start()
      }
      await writeOwned(standbySignal, '', user)
      await server.start({ primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=${operator}` })
    },
  }
}

class Pair implements ServerPair {
  readonly #directory: string
  readonly #password: string
  readonly #addresses: Forwarder[] = []
  #primary: Member
  #other: Member
  #hasStandby = false
  #promotedAt = 0
  /** What the standby follows the primary through. */
  #replication: Forwarder | undefined

  constructor(directory: string, password: string, primary: Member, other: Member) {
    this.#directory = directory
    this.#password = password
    this.#primary = primary
    this.#other = other
  }

  get primary(): PairMember {
    return this.#primary
  }

  get standby(): PairMember | undefined {
    return this.#hasStandby ? this.#other : undefined
  }

  get promotedAt(): number {
    return this.#promotedAt
  }

  async openAddress(): Promise<Forwarder> {
    const address = await Forwarder.open(this.#primary.port)
    this.#addresses.push(address)
    return address
  }

  urlAt({ port }: Forwarder, database = embeddedName): string {
    return `postgresql://${embeddedName}:${this.#password}@127.0.0.1:${port}/${database}`
  }

  async catchUp(): Promise<void> {
    const [row] = await this.#primary.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn')
    const replayed = `SELECT pg_last_wal_replay_lsn() >= '${row?.lsn}' AS done`
    await until(async () => (await this.#other.query<{ done: boolean }>(replayed))[0]?.done)
  }

  cutReplication(): void {
    this.#replication?.switchTo(undefined)
    this.#replication?.endConnections()
  }

  async killPrimary(): Promise<void> {
    await this.#primary.server.end('SIGKILL')
  }

  async promote(): Promise<void> {
    await this.#other.query('SELECT pg_promote()', 'postgres')
    this.#promotedAt = Date.now()
    const former = this.#primary
    this.#primary = this.#other
    this.#other = former
    this.#hasStandby = false
  }

  async switchOver(meanwhile: () => void | Promise<void> = () => {}): Promise<void> {
    const former = this.#primary
    await former.server.end('SIGINT')
    await meanwhile()
    await this.promote()
    await former.start({ primaryPort: await this.#follow() })
    this.#hasStandby = true
    await this.catchUp()
  }

  async rejoin(): Promise<void> {
    const { server, directory } = this.#other
    await server.end('SIGKILL')
    await this.#copyTo(directory)
    await this.#other.start({ primaryPort: await this.#follow() })
    this.#hasStandby = true
    await this.catchUp()
  }

  async remove(): Promise<void> {
    for (const address of this.#addresses) await address.close()
    for (const { server, directory } of [this.#other, this.#primary]) {
      await server.end('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    }
    await this.#replication?.close()
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #follow(): Promise<number> {
    this.#replication ??= await Forwarder.open()
    this.#replication.switchTo(this.#primary.port)
    return this.#replication.port
  }

  /** Copies the running primary, as `pg_basebackup` does, which the embedded PostgreSQL comes without. */
  async #copyTo(directory: string): Promise<void> {
    const { port, directory: source, user } = this.#primary
    await rm(directory, { recursive: true, force: true })
    const client = new pg.Client({ host: '127.0.0.1', port, user: operator, database: 'postgres' })
    await client.connect()
    await client.query(`SELECT pg_backup_start('copy', fast => true)`)
    await makeOwned(directory, user)
    const copied = (await readdir(source)).filter((name) => !notCopied.has(name)).map((name) => join(source, name))
    await copyFiles(copied, directory)
    for (const name of ['pg_wal', 'pg_wal/archive_status', 'pg_wal/summaries', 'pg_replslot'])
      await makeOwned(join(directory, name), user)
    const { rows } = await client.query<{ labelfile: string }>(
      'SELECT labelfile FROM pg_backup_stop(wait_for_archive => false)',
    )
    await writeOwned(join(directory, 'backup_label'), rows[0]?.labelfile ?? '', user)
    await client.end()
  }
}

/** What a copy gets from the primary by replication, or does not share with it. */
const notCopied = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'standby.signal'])

async function makeOwned(directory: string, user: SystemUser | undefined): Promise<void> {
  await mkdir(directory, { mode: 0o700 })
  if (user !== undefined) await chown(directory, user.uid, user.gid)
}

async function writeOwned(file: string, text: string, user: SystemUser | undefined): Promise<void> {
  await writeFile(file, text)
  if (user !== undefined) await chown(file, user.uid, user.gid)
}

/** Copies files that are being written; one that vanishes meanwhile is replayed from the log of changes. */
async function copyFiles(paths: readonly string[], directory: string): Promise<void> {
  const child = spawn('cp', ['-a', ...paths, directory], { env: { LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] })
  const complaints = await text(child.stderr)
  const isBad = complaints.split('\n').some((line) => line !== '' && !line.endsWith('No such file or directory'))
  if (isBad) throw new Error(`The primary could not be copied: ${complaints}`)
}
