import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage, StartupError } from '#lib/errors.ts'
import { lookFor, ownIdentity, type ProcessIdentity } from '#platform/system/process-identity.ts'

/** One process's hold on a directory. */
export interface DirectoryLock {
  /** Lets the directory go; a second call does nothing. */
  release(): Promise<void>
}

interface Holder extends ProcessIdentity {
  /** Of this one hold: the same process may take a directory twice in its life. */
  readonly id: string
}

const heartbeatMs = 2_000
const heartbeatPatienceMs = 4 * heartbeatMs

/**
 * Takes a directory for this process alone, through the file `signalbox.lock` in it. A lock whose holder is dead is
 * taken over; of several processes that try at once, one gets it. A holder in another container or on another machine
 * is watched for eight seconds: it lives when it touches its lock meanwhile.
 * @throws {StartupError} when another living process holds it, or the directory can't be written.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, 'signalbox.lock')
  const holder: Holder = { ...(await ownIdentity()), id: randomUUID() }
  try {
    await take(path, holder)
  } catch (error) {
    if (error instanceof LockHeld) throw inUse(directory, error.holder)
    throw new StartupError(`The data directory ${directory} can't be written: ${errorMessage(error)}.`, {
      cause: error,
    })
  }
  const heartbeat = setInterval(() => void touch(path), heartbeatMs).unref()
  return {
    async release() {
      clearInterval(heartbeat)
      if ((await readHolder(path))?.id === holder.id) await rm(path, { force: true })
    },
  }
}

class LockHeld extends Error {
  readonly holder: Holder
  constructor(holder: Holder) {
    super('the lock is held')
    this.holder = holder
  }
}

function inUse(directory: string, { pid, host }: Holder): StartupError {
  return new StartupError(
    `The data directory ${directory} is in use by another Signalbox server (process ${pid} on ${host}). ` +
      'Stop that one, or give this one a DATA_DIR of its own.',
  )
}

async function take(path: string, holder: Holder): Promise<void> {
  for (;;) {
    if (await place(path, holder)) return
    const other = await readHolder(path)
    if (other === undefined) continue
    if (await isHeld(path, other)) throw new LockHeld(other)
    if (await replace(path, other, holder)) return
  }
}

/** Creates the file with its whole content, or says that there is one. */
async function place(path: string, holder: Holder): Promise<boolean> {
  const draft = `${path}.${holder.id}.new`
  try {
    await writeFile(draft, JSON.stringify(holder), { mode: 0o600 })
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/**
 * Puts a new holder in the place of a dead one, unless somebody else has done so. Two processes may have found the same
 * dead holder: the right to replace it is a lock of its own, named after it, which then becomes the lock itself.
 */
async function replace(path: string, dead: Holder, holder: Holder): Promise<boolean> {
  const right = `${path}.${dead.id}`
  await take(right, holder)
  if ((await readHolder(path))?.id === dead.id) {
    await rename(right, path)
    return true
  }
  await rm(right, { force: true })
  return false
}

async function isHeld(path: string, other: Holder): Promise<boolean> {
  const sight = await lookFor(other)
  if (sight !== 'unseen') return sight === 'alive'
  const before = await lastTouched(path)
  await sleep(heartbeatPatienceMs)
  return (await lastTouched(path)) !== before
}

/** Undefined when there is no such file. One that can't be understood has a holder that never lived. */
async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Holder
  } catch {
    // Linked whole, it can only have been cut by a machine that went down.
    return { ...(await ownIdentity()), pid: 0x7fff_ffff, id: 'unreadable' }
  }
}

async function lastTouched(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0
}

async function touch(path: string): Promise<void> {
  const now = new Date()
  // A directory that was removed under us has nothing left to protect.
  await utimes(path, now, now).catch(() => undefined)
}
