import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { runMarkerName } from './run-marker.ts'

/** Sends a signal to every process of the group that `leader` leads; false when none is left. */
export function signalGroup(leader: number, signal: NodeJS.Signals): boolean {
  return signalProcess(-leader, signal)
}

/**
 * Kills every process whose marker is one of ours, again and again until none is left, so that one which forks
 * meanwhile doesn't get away either. Looks into /proc, and so finds nothing where there is none. Returns whether all
 * of them have ended within the bound of about five seconds.
 */
export async function killMarked(isOurs: (marker: string) => boolean): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    const pids = (await scan()).filter((found) => isOurs(found.marker)).map((found) => found.pid)
    if (pids.length === 0) return true
    for (const pid of pids) signalProcess(pid, 'SIGKILL')
    await delay(Math.min(round * 10, 50))
  }
  return false
}

interface MarkedProcess {
  readonly pid: number
  readonly marker: string
}

let scanning: Promise<unknown> = Promise.resolve()
let waitingScan: Promise<MarkedProcess[]> | undefined

/** One look at all processes at a time: who asks while one is under way shares the next. */
function scan(): Promise<MarkedProcess[]> {
  waitingScan ??= scanning.then(() => {
    waitingScan = undefined
    return lookAtAll()
  })
  scanning = waitingScan
  return waitingScan
}

/** About a millisecond's worth. */
const pidsATurn = 16

async function lookAtAll(): Promise<MarkedProcess[]> {
  const pids = processIds()
  const found: MarkedProcess[] = []
  for (const [index, pid] of pids.entries()) {
    // Reading /proc is no disk access, but a machine may have thousands of processes, and the server others to serve.
    if (index % pidsATurn === pidsATurn - 1) await nextTurn()
    const marker = markerOf(pid)
    if (marker !== undefined) found.push({ pid, marker })
  }
  return found
}

function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
  } catch {
    return []
  }
}

const markerStart = Buffer.from(`${runMarkerName}=`)

function markerOf(pid: number): string | undefined {
  const environment = environmentOf(pid)
  if (environment === undefined) return undefined
  const at = environment.indexOf(markerStart)
  if (at === -1 || (at > 0 && environment[at - 1] !== 0)) return undefined
  const end = environment.indexOf(0, at)
  return environment.toString('latin1', at + markerStart.length, end === -1 ? undefined : end)
}

function environmentOf(pid: number): Buffer | undefined {
  try {
    return readFileSync(`/proc/${pid}/environ`)
  } catch {
    // It ended a moment ago, or belongs to somebody else: not one that we started.
    return undefined
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
