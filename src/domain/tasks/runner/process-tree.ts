import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { type ProcessTag, tagOf } from './process-tag.ts'

/** Sends a signal to every process of the group that `leader` leads; false when none is left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-leader, signal)
}

/** Kills every process whose tag is one of ours; as {@link killAll}. */
export function killTagged(isOurs: (tag: ProcessTag) => boolean): Promise<boolean> {
  return killAll(tagged, isOurs)
}

/** Kills every process that runs as one of these users, programs with set-user-ID bit included; as {@link killAll}. */
export function killUsers(isOurs: (uid: number) => boolean): Promise<boolean> {
  return killAll(users, isOurs)
}

/** The users that any process runs as, each with its processes. */
export async function runningUsers(): Promise<ReadonlyMap<number, readonly number[]>> {
  const found = await users.look()
  return new Map(
    [...Map.groupBy(found, ({ value }) => value)].map(([uid, processes]) => [uid, processes.map(({ pid }) => pid)]),
  )
}

interface Found {
  readonly pid: number
  readonly value: number
}

/**
 * Kills again and again until none is left, so that a process which forks meanwhile does not get away either. Finds
 * nothing where there is no /proc. Returns whether all of them have ended within the bound of about five seconds.
 */
async function killAll(scan: ProcessScan, isOurs: (value: number) => boolean): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    const found = (await scan.look()).filter(({ pid, value }) => isOurs(value) && isRunning(pid))
    if (found.length === 0) return true
    for (const { pid } of found) signalProcess(pid, 'SIGKILL')
    await delay(Math.min(round * 10, 50))
  }
  return false
}

/** About a millisecond's worth. */
const pidsATurn = 16

/** Looks at all processes of the machine, for one thing about each. */
class ProcessScan {
  readonly #read: (pid: number) => number | undefined
  #scanning: Promise<unknown> = Promise.resolve()
  #waiting: Promise<Found[]> | undefined

  constructor(read: (pid: number) => number | undefined) {
    this.#read = read
  }

  /** One look at a time: a caller that comes while one is under way shares the next. */
  look(): Promise<Found[]> {
    this.#waiting ??= this.#scanning.then(() => {
      this.#waiting = undefined
      return this.#lookAtAll()
    })
    this.#scanning = this.#waiting
    return this.#waiting
  }

  async #lookAtAll(): Promise<Found[]> {
    const found: Found[] = []
    for (const [index, pid] of processIds().entries()) {
      // Reading /proc needs no disk, but a machine may have thousands of processes, and the server other work.
      if (index % pidsATurn === pidsATurn - 1) await nextTurn()
      const value = this.#read(pid)
      if (value !== undefined) found.push({ pid, value })
    }
    return found
  }
}

const tagged = new ProcessScan(tagOf)
const users = new ProcessScan(realUserOf)

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
  } catch {
    return []
  }
}

function realUserOf(pid: number): number | undefined {
  const [, uid] = /^Uid:\s+(\d+)/m.exec(statusOf(pid)) ?? []
  return uid === undefined ? undefined : Number(uid)
}

/** Not one that has ended and that its parent has yet to take note of, for which it may never come. */
export function isRunning(pid: number): boolean {
  return /^State:\s+[^ZX\s]/m.test(statusOf(pid))
}

/** Empty when it ended a moment ago. */
function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch {
    return ''
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // None is left, or it has become somebody else's, which no repetition changes.
    if (['ESRCH', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
