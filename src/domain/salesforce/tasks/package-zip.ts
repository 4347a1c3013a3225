import { stat } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { PermanentFailure } from '#domain/tasks/task-type.ts'

/** What Salesforce takes in one deployment by its REST API. */
const zipLimits = { zipBytes: 39 * 1024 * 1024, files: 10_000, unzippedBytes: 600 * 1024 * 1024 } as const

/** What a zip file holds, found harmless. */
export interface ZipFacts {
  readonly files: number
  readonly zipBytes: number
  readonly unzippedBytes: number
  /** Names of all files. */
  readonly names: readonly string[]
}

const namedLargest = 5
const symbolicLink = 0o120000
const fileTypeMask = 0o170000

/**
 * Reads all of a zip file: that it is one, stays within its directory, is as large unpacked as it says, and within
 * Salesforce's limits. @throws {PermanentFailure}
 */
export async function checkZip(path: string): Promise<ZipFacts> {
  const { size: zipBytes } = await stat(path)
  const zip = await openPromise(path, { autoClose: false }).catch((cause: Error) => {
    throw notAZip(cause)
  })
  try {
    const entries = await entriesOf(zip)
    const unzippedBytes = entries.reduce((sum, entry) => sum + entry.uncompressedSize, 0)
    mustFit({ zipBytes, unzippedBytes, entries })
    for (const entry of entries) await readThrough(zip, entry)
    return { files: entries.length, zipBytes, unzippedBytes, names: entries.map(({ fileName }) => fileName) }
  } finally {
    zip.close()
  }
}

async function entriesOf(zip: ZipFile): Promise<Entry[]> {
  const entries: Entry[] = []
  try {
    for await (const entry of zip.eachEntry()) {
      mustBePlain(entry)
      if (!entry.fileName.endsWith('/')) entries.push(entry)
    }
  } catch (error) {
    if (error instanceof PermanentFailure) throw error
    const { message } = error as Error
    if (/path|characters in fileName/i.test(message))
      throw new PermanentFailure(`The zip file leads out of its directory: ${message}.`, 'ZIP_ESCAPES', {
        cause: error,
      })
    throw notAZip(error as Error)
  }
  return entries
}

function mustBePlain(entry: Entry): void {
  const { fileName, externalFileAttributes } = entry
  if (((externalFileAttributes >>> 16) & fileTypeMask) === symbolicLink)
    throw new PermanentFailure(`The zip file holds a symbolic link: ${fileName}.`, 'ZIP_ESCAPES')
  if (entry.isEncrypted()) throw new PermanentFailure(`The zip file holds an encrypted file: ${fileName}.`, 'NOT_A_ZIP')
}

interface Measured {
  readonly zipBytes: number
  readonly unzippedBytes: number
  readonly entries: readonly Entry[]
}

function mustFit({ zipBytes, unzippedBytes, entries }: Measured): void {
  const largest = (size: (entry: Entry) => number) =>
    [...entries]
      .sort((a, b) => size(b) - size(a))
      .slice(0, namedLargest)
      .map((entry) => `${entry.fileName} (${size(entry)} bytes)`)
      .join(', ')
  if (entries.length > zipLimits.files)
    throw tooLarge(
      `has ${entries.length} files; Salesforce takes at most ${zipLimits.files}. ${fullestDirectories(entries)}`,
    )
  if (unzippedBytes > zipLimits.unzippedBytes)
    throw tooLarge(
      `has ${unzippedBytes} bytes unpacked; Salesforce takes at most ${zipLimits.unzippedBytes}. The largest: ${largest((entry) => entry.uncompressedSize)}.`,
    )
  if (zipBytes > zipLimits.zipBytes)
    throw tooLarge(
      `has ${zipBytes} bytes; Salesforce takes at most ${zipLimits.zipBytes}. The largest: ${largest((entry) => entry.compressedSize)}.`,
    )
}

/** Which directories hold the most files. */
function fullestDirectories(entries: readonly Entry[]): string {
  const counts = new Map<string, number>()
  for (const { fileName } of entries) {
    const directory = fileName.slice(0, Math.max(0, fileName.lastIndexOf('/')))
    counts.set(directory, (counts.get(directory) ?? 0) + 1)
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, namedLargest)
  return `Most are in: ${most.map(([directory, count]) => `${directory || '.'} (${count})`).join(', ')}.`
}

function tooLarge(what: string): PermanentFailure {
  return new PermanentFailure(`The package ${what}`, 'PACKAGE_TOO_LARGE')
}

/** Unpacks a file to nowhere; it ends as soon as there is more than the zip file says. */
async function readThrough(zip: ZipFile, entry: Entry): Promise<void> {
  try {
    const stream = await zip.openReadStreamPromise(entry)
    await pipeline(stream, new Writable({ write: (_chunk, _encoding, done) => done() }))
  } catch (cause) {
    if (/too many bytes/.test((cause as Error).message))
      throw new PermanentFailure(`The zip file holds more than it says: ${entry.fileName}.`, 'ZIP_BOMB', { cause })
    throw notAZip(cause as Error, entry.fileName)
  }
}

function notAZip(cause: Error, name?: string): PermanentFailure {
  const where = name === undefined ? '' : ` at ${name}`
  return new PermanentFailure(
    `The package is not a zip file that can be read${where}: ${cause.message}.`,
    'NOT_A_ZIP',
    { cause },
  )
}
