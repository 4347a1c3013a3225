import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { locateCluster } from '#platform/embedded/location.ts'
import { isPidAlive, lookFor, type ProcessIdentity } from '#platform/system/process-identity.ts'
import { sharedPlaces } from '#platform/system/shared-place.ts'
import { type Finding, ok, warning } from './finding.ts'

/** How the embedded database of a data directory is, seen from outside; nothing is started or changed. */
export interface EmbeddedState {
  /** Undefined before the first start. */
  readonly clusterDir: string | undefined
  /** The server that has taken the data directory, when its process lives or can't be seen from here. */
  readonly holder: { readonly pid: number; readonly host: string; readonly isSeen: boolean } | undefined
  /** Where its PostgreSQL listens, when that runs. */
  readonly url: string | undefined
}

/** @throws {StartupError} when the cluster can't be where it is, or as whom. */
export async function readEmbeddedState(dataDir: string): Promise<EmbeddedState> {
  const clusterDir = (await hasCluster(dataDir)) ? (await locateCluster(dataDir, sharedPlaces)).clusterDir : undefined
  const port = clusterDir === undefined ? undefined : await runningPort(clusterDir)
  return {
    clusterDir,
    holder: await readHolder(dataDir),
    url: port === undefined ? undefined : await urlOf(dataDir, port),
  }
}

/** Says how it is, and what that means for the next start. */
export async function examineEmbedded({ clusterDir, holder, url }: EmbeddedState): Promise<Omit<Finding, 'check'>> {
  const process = holder === undefined ? '' : `process ${holder.pid} on ${holder.host}`
  if (holder !== undefined && !holder.isSeen)
    return warning(
      `The data directory is marked as in use by ${process}, which can't be seen from here.`,
      'If that server is gone, the next start notices within eight seconds.',
    )
  if (holder !== undefined && url !== undefined) return ok(`It runs, and belongs to the server of ${process}.`)
  if (holder !== undefined)
    return warning(
      `The server of ${process} has the data directory, but PostgreSQL doesn't run: it is starting or stopping.`,
      'Look again in a moment.',
    )
  if (url !== undefined)
    return warning(
      'PostgreSQL still runs, though its server is gone.',
      'Nothing to do: the next start ends it, and recovers what it left.',
    )
  return ok(
    clusterDir === undefined
      ? 'There is none yet; the first start makes it.'
      : 'It does not run; start the server to have more looked at.',
  )
}

/** Asked beforehand, since looking for the place of a new cluster makes directories. */
async function hasCluster(dataDir: string): Promise<boolean> {
  return (await exists(join(dataDir, 'postgres', 'PG_VERSION'))) || (await exists(join(dataDir, 'postgres-location')))
}

/** From `postmaster.pid`: the process in the first line, the port in the fourth. */
async function runningPort(clusterDir: string): Promise<number | undefined> {
  const lines = (await readText(join(clusterDir, 'postmaster.pid'))).split('\n')
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  return pid > 1 && port > 0 && isPidAlive(pid) ? port : undefined
}

async function urlOf(dataDir: string, port: number): Promise<string> {
  const password = (await readText(join(dataDir, 'postgres-password'))).trim()
  return `postgresql://signalbox:${encodeURIComponent(password)}@127.0.0.1:${port}/signalbox`
}

async function readHolder(dataDir: string): Promise<EmbeddedState['holder']> {
  const text = await readText(join(dataDir, 'signalbox.lock'))
  if (text === '') return undefined
  const identity = JSON.parse(text) as ProcessIdentity
  const sight = await lookFor(identity)
  return sight === 'gone' ? undefined : { pid: identity.pid, host: identity.host, isSeen: sight === 'alive' }
}

/** Empty when there is no such file. */
async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
