import { createHash, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'

/**
 * A number that every process of an attempt carries, and by which they are found wherever they went: its limit of
 * resident memory (RLIMIT_RSS), which Linux hands down to every descendant and otherwise ignores (setrlimit(2)). A
 * cleared environment, a new session or a second fork change nothing about it; a program can lose it only on purpose,
 * by setting its own limits.
 */
export type ProcessTag = number

/** In KiB, as shells count: so high that no limit anybody means is taken for a tag. */
const firstTag = 2 ** 52
const attemptBits = 29
const serverBits = 23

/** Gives out the tags of one server's attempts: no two of half a billion in a row are the same. */
export class ProcessTags {
  readonly #first: ProcessTag
  #next = randomInt(2 ** attemptBits)

  constructor(serverId: string) {
    this.#first = firstTagOf(serverId)
  }

  next(): ProcessTag {
    this.#next = (this.#next + 1) % 2 ** attemptBits
    return this.#first + this.#next
  }
}

/** Whether a tag is one of that server's. */
export function isTagOf(serverId: string, tag: ProcessTag): boolean {
  const first = firstTagOf(serverId)
  return tag >= first && tag < first + 2 ** attemptBits
}

function firstTagOf(serverId: string): ProcessTag {
  const server = createHash('sha256').update(serverId).digest().readUInt32BE() >>> (32 - serverBits)
  return firstTag + server * 2 ** attemptBits
}

/** A process's tag; undefined when it has none, has ended, or where there is no /proc. */
export function tagOf(pid: number): ProcessTag | undefined {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'latin1')
    const [, bytes = ''] = /^Max resident set +(\d+)/m.exec(limits) ?? []
    const tag = Number(BigInt(bytes) / 1024n)
    return tag >= firstTag ? tag : undefined
  } catch {
    return undefined
  }
}

/** The program and arguments that start a program with a tag. Its process id is that of the program itself. */
export function taggedCommand(tag: ProcessTag, command: readonly string[]): readonly string[] {
  if (process.platform !== 'linux') return command
  return ['/bin/sh', '-c', 'ulimit -m "$0" 2>/dev/null; exec "$@"', String(tag), ...command]
}
