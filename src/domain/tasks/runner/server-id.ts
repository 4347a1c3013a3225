import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

const form = /^([A-Za-z0-9_-]+)\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}$/

/**
 * A name for this process among all servers of an installation: `<installation id>.<machine>-<pid>-<start>-<random>`.
 * From it another process can tell whether this one still lives.
 */
export function createServerId(installationId: string): string {
  const id = `${installationId}.${machine()}-${process.pid}-${startTicks(process.pid) ?? 0}-${randomBytes(4).toString('hex')}`
  if (!form.test(id)) throw new Error(`The installation id "${installationId}" may hold letters, digits, - and _ only.`)
  return id
}

/** The installation that a server belongs to; undefined when it isn't the id of a server. */
export function installationOf(serverId: string): string | undefined {
  return form.exec(serverId)?.[1]
}

/**
 * Whether that server is known to have ended. False while it lives, and also when it cannot be told from here: on
 * another machine, or in another container.
 */
export function isServerGone(serverId: string): boolean {
  const [, , itsMachine, pid, start] = form.exec(serverId) ?? []
  if (itsMachine !== machine() || pid === undefined) return false
  const ticks = startTicks(Number(pid))
  // Without /proc nothing tells a reused pid from the server's own: rather leave something behind than end a living one.
  return ticks === undefined ? !isAlive(Number(pid)) : String(ticks) !== start
}

function machine(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8)
}

/** When the process started, in clock ticks since the machine did (proc(5), `stat` field 22). */
function startTicks(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field, the program's name, may itself hold blanks and parentheses.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
