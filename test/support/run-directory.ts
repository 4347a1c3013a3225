import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
const neededBytes = 4 * 1024 ** 3
const prefix = 'signalbox-run-'

/**
 * A directory for all temporary files of this run: in memory where there is room, since the files of databases are many
 * and short-lived. Removes those of runs that were killed.
 */
export function openRunDirectory(): { readonly path: string; remove(): void } {
  const parent = hasRoom(memory) ? memory : tmpdir()
  for (const name of readdirSync(parent)) if (isAbandoned(name)) remove(join(parent, name))
  const path = mkdtempSync(join(parent, `${prefix}${process.pid}-`))
  // Tests run programs as other users, as in every directory for temporary files.
  chmodSync(path, 0o1777)
  return { path, remove: () => remove(path) }
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 })
}

/** Whether a directory has a few gigabytes free, and programs may be run from there. */
function hasRoom(directory: string): boolean {
  const script = join(directory, `${prefix}${process.pid}.sh`)
  try {
    const { bavail, bsize } = statfsSync(directory)
    writeFileSync(script, '#!/bin/sh\n', { mode: 0o700 })
    execFileSync(script)
    return bavail * bsize >= neededBytes
  } catch {
    return false
  } finally {
    rmSync(script, { force: true })
  }
}

function isAbandoned(name: string): boolean {
  const [, pid] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? []
  if (pid === undefined) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
