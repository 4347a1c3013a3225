import { readdirSync } from 'node:fs'
import { access, constants, readFile, writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

/** As `nice` counts: a process at 15 gets about a thirtieth of what one at 0 gets beside it. */
const lowNice = 15
/** Linux lets users who are not root change the weights of sessions ten times a second, all together. */
const retryMs = 120
const maxTries = 10

/**
 * Gives the session that a process leads the CPU only where nothing else needs it; all that the process starts inherits
 * that. It still gets a small share while others use all of the CPU. Without effect where the system doesn't permit it.
 */
export async function yieldCpu(pid: number): Promise<void> {
  for (const thread of threadsOf(pid)) lower(thread)
  await weighSession(pid)
}

/** How this system divides the CPU between sessions, as far as {@link yieldCpu} is concerned. */
export async function cpuSharing(): Promise<'sessions' | 'processes' | 'unweighted sessions'> {
  const isBySession = await readFile('/proc/sys/kernel/sched_autogroup_enabled', 'latin1').then(
    (text) => text.trim() === '1',
    () => false,
  )
  if (!isBySession) return 'processes'
  return access('/proc/self/autogroup', constants.W_OK).then(
    () => 'sessions',
    () => 'unweighted sessions',
  )
}

/** Each has its own nice value; later ones inherit it. */
function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return [pid]
  }
}

function lower(thread: number): void {
  try {
    setPriority(thread, lowNice)
  } catch {
    // It has ended, or is someone else's by now.
  }
}

/** Where sessions have weights, nice values count only within each of them (sched(7), "The autogroup feature"). */
async function weighSession(pid: number): Promise<void> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    try {
      return await writeFile(`/proc/${pid}/autogroup`, String(lowNice))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      await delay(retryMs, undefined, { ref: false })
    }
  }
}
