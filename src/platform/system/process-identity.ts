import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/** What tells a process from all others, also from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in clock ticks since the machine did (proc(5), `stat` field 22); empty where that can't be known. */
  readonly start: string
  /** The boot and the process namespace in which `pid` means something; empty where that can't be known. */
  readonly view: string
  readonly host: string
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  const { pid } = process
  return { pid, start: await startTicks(pid), view: await processView(), host: hostname() }
}

/** Whether the process of that number lives, as far as this process can see any. */
export function isPidAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether the process still lives; `unseen` when it belongs to another container or machine, so that nobody here can know. */
export async function lookFor(other: ProcessIdentity): Promise<'alive' | 'gone' | 'unseen'> {
  const view = await processView()
  if (other.view !== view) return wasRebooted(other, view) ? 'gone' : 'unseen'
  if (!isPidAlive(other.pid)) return 'gone'
  const start = await startTicks(other.pid)
  // A living process whose start is hidden from us may be the one that is looked for.
  return start === '' || start === other.start ? 'alive' : 'gone'
}

/**
 * Whether this process can see that the other one has ended. Unlike {@link lookFor} it draws no conclusion from the name
 * of a host, which several machines may have.
 */
export async function seesEnd(other: ProcessIdentity): Promise<boolean> {
  return other.view !== '' && other.view === (await processView()) && (await lookFor(other)) === 'gone'
}

/** The same host after another boot: nothing lives on. Another boot of another host says nothing. */
function wasRebooted(other: ProcessIdentity, view: string): boolean {
  return other.host === hostname() && other.view.split(' ')[0] !== view.split(' ')[0]
}

async function processView(): Promise<string> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

async function startTicks(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
    // The second field, the program's name, may itself hold blanks and parentheses.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const isZombie = state === 'Z' || state === 'X'
    return isZombie ? 'ended' : (fields[18] ?? '')
  } catch {
    return ''
  }
}
