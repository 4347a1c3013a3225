import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A clock of its own for programs, set from outside while they run (libfaketime). */
export interface FakeClock {
  /** What programs that follow it have in their environment. */
  readonly env: Record<string, string>
  /** Puts the clock so many seconds ahead of the machine's, or behind it. */
  set(offsetSeconds: number): void
}

/** Undefined where libfaketime is not installed (Debian: `apt-get install libfaketime`). */
export function createFakeClock(directory: string): FakeClock | undefined {
  const library = findLibrary()
  if (library === undefined) return undefined
  const file = join(directory, 'clock')
  const set = (offsetSeconds: number) => {
    writeFileSync(`${file}.new`, `${offsetSeconds < 0 ? '' : '+'}${offsetSeconds}s\n`)
    renameSync(`${file}.new`, file)
  }
  set(0)
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    },
    set,
  }
}

function findLibrary(): string | undefined {
  const bases = ['/usr/lib', '/usr/lib64', '/usr/local/lib'].filter(existsSync)
  const directories = bases.flatMap((base) => [base, ...readdirSync(base).map((name) => join(base, name))])
  return directories.map((directory) => join(directory, 'faketime/libfaketimeMT.so.1')).find(existsSync)
}
