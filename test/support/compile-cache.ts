import { mkdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Lets the processes of tasks below this directory share what all of this run have compiled, instead of compiling it again. */
export function shareCompileCache(workspacesDir: string): void {
  const shared = join(tmpdir(), 'compile-cache')
  mkdirSync(shared, { recursive: true })
  mkdirSync(workspacesDir, { recursive: true })
  try {
    symlinkSync(shared, join(workspacesDir, '.compile-cache'))
  } catch (error) {
    // An earlier server of the same directory has made it.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
