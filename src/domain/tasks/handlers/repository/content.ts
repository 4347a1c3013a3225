import type { Readable } from 'node:stream'
import { TaskFailure } from '#domain/tasks/task-type.ts'
import type { Git } from './git.ts'
import { languageOf } from './languages.ts'

interface LanguageCount {
  readonly language: string
  readonly files: number
  readonly lines: number
}

export interface ContentCount {
  /** All of them, binary ones too. */
  readonly files: number
  readonly binaryFiles: number
  readonly lines: number
  /** Most lines first; text files only. */
  readonly languages: readonly LanguageCount[]
}

interface Blob {
  readonly id: string
  readonly path: string
  readonly sizeBytes: number
}

/** A larger file is not source code, and is not examined. */
const largestTextBytes = 16 * 1024 * 1024

/** Counts the files and lines of a commit by language; holds one piece of one file at a time. */
export async function countContent(
  git: Git,
  commit: string,
  onProgress: (fraction: number) => void,
): Promise<ContentCount> {
  const total = await countFiles(git, commit)
  const tally = new Tally()
  const queue: Blob[] = []
  const reader = git.start(['cat-file', '--batch'])
  const parsing = readBlobs(reader.stdout, queue, (blob, lines) => {
    tally.add(blob.path, lines)
    onProgress(tally.files / total)
  })
  await Promise.all([askForBlobs(git, commit, reader.stdin, queue, tally), parsing, reader.done])
  return tally.result()
}

async function countFiles(git: Git, commit: string): Promise<number> {
  let files = 0
  for await (const _ of blobsOf(git, commit)) files += 1
  return files
}

/** What the pipe to git holds bounds the queue: git reads no further than it has answered. */
async function askForBlobs(git: Git, commit: string, stdin: GitStdin, queue: Blob[], tally: Tally): Promise<void> {
  for await (const blob of blobsOf(git, commit)) {
    if (blob.sizeBytes > largestTextBytes) {
      tally.add(blob.path, undefined)
      continue
    }
    queue.push(blob)
    if (!stdin.write(`${blob.id}\n`)) await drained(stdin)
  }
  stdin.end()
}

type GitStdin = ReturnType<Git['start']>['stdin']

/** Also resolves when the reader is gone; the failure of git itself is then the one to tell. */
function drained(stdin: GitStdin): Promise<void> {
  return new Promise((resolve) => {
    if (stdin.destroyed) return resolve()
    const done = () => {
      stdin.off('drain', done)
      stdin.off('close', done)
      resolve()
    }
    stdin.on('drain', done)
    stdin.on('close', done)
  })
}

/** Regular files only: no links, no submodules. */
async function* blobsOf(git: Git, commit: string): AsyncGenerator<Blob> {
  const listing = git.start(['ls-tree', '-r', '-z', '-l', '--full-tree', commit])
  listing.stdin.end()
  for await (const entry of records(listing.stdout)) {
    const [, mode, id = '', size, path = ''] = /^(\d+) \w+ (\w+) +(\S+)\t(.*)$/s.exec(entry) ?? []
    // Some versions of git print BAD for the size of an object that is missing, and go on.
    if (size === 'BAD') throw unreadableObject(`${id} missing`)
    if (mode === '100644' || mode === '100755') yield { id, path, sizeBytes: Number(size) }
  }
  await listing.done
}

async function* records(stream: Readable): AsyncGenerator<string> {
  let rest = Buffer.alloc(0)
  for await (const chunk of stream) {
    let start = 0
    const bytes = Buffer.concat([rest, chunk as Buffer])
    for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
      yield bytes.toString('utf8', start, end)
      start = end + 1
    }
    rest = bytes.subarray(start)
  }
}

/** Reads `git cat-file --batch`: for each blob a line `<id> blob <size>`, its bytes, and a line feed. */
async function readBlobs(
  stream: Readable,
  queue: Blob[],
  onBlob: (blob: Blob, lines: number | undefined) => void,
): Promise<void> {
  let header = Buffer.alloc(0)
  let lines: LineCounter | undefined
  for await (const chunk of stream) {
    let rest = chunk as Buffer
    while (rest.length > 0) {
      if (!lines) {
        const end = rest.indexOf(0x0a)
        header = Buffer.concat([header, rest.subarray(0, end === -1 ? undefined : end)])
        if (end === -1) break
        lines = new LineCounter(sizeIn(header))
        header = Buffer.alloc(0)
        rest = rest.subarray(end + 1)
      }
      rest = lines.take(rest)
      const blob = lines.isComplete ? queue.shift() : undefined
      if (!blob) continue
      onBlob(blob, lines.result)
      lines = undefined
    }
  }
}

function sizeIn(header: Buffer): number {
  const [, size] = /^\w+ blob (\d+)$/.exec(header.toString('latin1')) ?? []
  if (size === undefined) throw unreadableObject(header.toString('latin1'))
  return Number(size)
}

function unreadableObject(reason: string): TaskFailure {
  return new TaskFailure(`Git could not read an object: ${reason}`, 'GIT_FAILED')
}

/** As in git: what has a NUL among its first bytes is binary. */
const binaryProbeBytes = 8_000

class LineCounter {
  readonly #sizeBytes: number
  #seen = 0
  #lines = 0
  #isBinary = false
  #lastByte = 0x0a
  /** Whether the bytes and the line feed after them have been seen. */
  isComplete = false

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes
  }

  /** Takes what belongs to this file, and gives back the rest. */
  take(bytes: Buffer): Buffer {
    const content = bytes.subarray(0, this.#sizeBytes - this.#seen)
    this.#count(content)
    const rest = bytes.subarray(content.length)
    if (this.#seen < this.#sizeBytes || rest.length === 0) return rest
    this.isComplete = true
    return rest.subarray(1)
  }

  /** Undefined for a binary file. A last line without a line feed counts. */
  get result(): number | undefined {
    return this.#isBinary ? undefined : this.#lines + (this.#lastByte === 0x0a ? 0 : 1)
  }

  #count(content: Buffer): void {
    if (this.#seen < binaryProbeBytes && content.subarray(0, binaryProbeBytes - this.#seen).includes(0))
      this.#isBinary = true
    this.#seen += content.length
    this.#lastByte = content.at(-1) ?? this.#lastByte
    if (this.#isBinary) return
    for (let at = content.indexOf(0x0a); at !== -1; at = content.indexOf(0x0a, at + 1)) this.#lines += 1
  }
}

class Tally {
  readonly #languages = new Map<string, { files: number; lines: number }>()
  #binaryFiles = 0
  files = 0

  /** `lines` undefined: a binary file. */
  add(path: string, lines: number | undefined): void {
    this.files += 1
    if (lines === undefined) {
      this.#binaryFiles += 1
      return
    }
    const language = languageOf(path)
    const count = this.#languages.get(language) ?? { files: 0, lines: 0 }
    this.#languages.set(language, { files: count.files + 1, lines: count.lines + lines })
  }

  result(): ContentCount {
    const languages = [...this.#languages].map(([language, count]) => ({ language, ...count }))
    languages.sort((a, b) => b.lines - a.lines || a.language.localeCompare(b.language))
    const lines = languages.reduce((sum, count) => sum + count.lines, 0)
    return { files: this.files, binaryFiles: this.#binaryFiles, lines, languages }
  }
}
