import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

type Environment = Record<string, string | undefined>

/**
 * Hides the environment that this process was started with. Returns a copy; the variables in `hidden` are no longer in
 * `process.env`, and `/proc/<pid>/environ`, which shows a process's first environment to its user for as long as it
 * runs, is empty. What remains is in this process's memory. `isErased` is false where the first environment can't be
 * overwritten: on other systems than Linux, or without /proc.
 */
export function takeEnvironment(hidden: ReadonlySet<string>): { env: Environment; isErased: boolean } {
  const env = { ...process.env }
  // Setting a variable again moves it out of the memory that is erased.
  for (const name of Object.keys(env)) delete process.env[name]
  const isErased = process.platform === 'linux' && eraseFirstEnvironment()
  for (const [name, value] of Object.entries(env)) if (!hidden.has(name)) process.env[name] = value
  return { env, isErased }
}

/** The kernel shows the memory between two addresses of the process, whatever is there by now. */
function eraseFirstEnvironment(): boolean {
  try {
    overwriteFirstEnvironment()
    return true
  } catch {
    return false
  }
}

function overwriteFirstEnvironment(): void {
  const [start, end] = firstEnvironment()
  if (start === 0 || end <= start) return
  const memory = openSync('/proc/self/mem', 'r+')
  try {
    writeSync(memory, Buffer.alloc(end - start), 0, end - start, start)
  } finally {
    closeSync(memory)
  }
}

/** `env_start` and `env_end` of proc(5), `stat`: fields 50 and 51. */
function firstEnvironment(): [start: number, end: number] {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  // The second field, the program's name, may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return [Number(fields[47]), Number(fields[48])]
}
