import { type ByteRange, parseByteRange } from './byte-range.ts'
import { TaskPartBytesDocument, type TaskPartFactsFragment } from './generated/graphql.ts'
import type { Operations } from './operations.ts'
import { Refused } from './refused.ts'
import type { Answer } from './route.ts'

/** How much is read from the database at once, in bytes. */
const stretchBytes = 512 * 1024

/** What a browser shows and never runs; everything else is handed to people as a file. */
const inert = /^(text\/plain|text\/csv|application\/json|application\/x-ndjson|image\/(png|jpeg|gif|webp|avif))$/
const mediaType = /^[\w.+-]+\/[\w.+-]+( *; *[\w.+-]+=("[ -!#-[\]-~]*"|[\w.+-]+))*$/

/** Where a part is, and how much of it is wanted. */
export interface PartRequest {
  readonly id: string
  readonly part: TaskPartFactsFragment
  /** The `Range` header of a GET, unless `If-Range` says otherwise. */
  readonly range: string | undefined
  readonly operations: Operations
}

/**
 * Answers with a part's bytes as stored, or with one range of them. Of a part that is still being written it is what
 * there is now; a range that begins at the end so far is then not satisfiable yet.
 */
export function partDownload({ id, part, range, operations }: PartRequest): Answer {
  const { sizeBytes, complete, name } = part
  const size = complete ? String(sizeBytes) : '*'
  const wanted = parseByteRange(range, sizeBytes)
  if (wanted === 'unsatisfiable')
    throw new Refused(
      'RANGE_NOT_SATISFIABLE',
      `The part "${name}" has ${sizeBytes} bytes${complete ? '' : ' so far'}.`,
      {
        headers: { 'content-range': `bytes */${sizeBytes}` },
      },
    )
  const { start, end } = wanted ?? { start: 0, end: sizeBytes }
  return {
    status: wanted === undefined ? 200 : 206,
    headers: {
      ...contentHeaders(part),
      'content-length': String(end - start),
      ...(wanted !== undefined && { 'content-range': `bytes ${start}-${end - 1}/${size}` }),
    },
    body: readStretches(operations, id, part, { start, end }),
  }
}

/** The strong validator of a part; undefined while it is being written. */
export function partEtag({ sha256 }: Pick<TaskPartFactsFragment, 'sha256'>): string | undefined {
  return sha256 === null ? undefined : `"${sha256}"`
}

function contentHeaders({ contentType, name, sha256 }: TaskPartFactsFragment): Record<string, string> {
  const type = mediaType.test(contentType) ? contentType : 'application/octet-stream'
  const [essence = ''] = type.toLowerCase().split(/ *;/, 1)
  return {
    'content-type': type,
    'content-disposition': `${inert.test(essence) ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeExtended(name)}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'accept-ranges': 'bytes',
    ...(sha256 !== null && { etag: `"${sha256}"` }),
  }
}

/** A name as RFC 8187 §3.2.1 has it. */
function encodeExtended(name: string): string {
  return encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

async function* readStretches(
  operations: Operations,
  id: string,
  part: TaskPartFactsFragment,
  { start, end }: ByteRange,
): AsyncGenerator<Buffer> {
  for (let offset = start; offset < end; ) {
    const length = Math.min(stretchBytes, end - offset)
    const { task } = await operations.run(TaskPartBytesDocument, { id, name: part.name, offset, length })
    const bytes = Buffer.from(task?.part?.bytes ?? '', 'base64')
    // A new attempt may have written the part again: the rest would belong to another part, so the download is cut.
    if (bytes.length !== length || !isSame(task?.part, part)) throw new Error(`The part "${part.name}" has changed.`)
    yield bytes
    offset += length
  }
}

function isSame(
  now: Pick<TaskPartFactsFragment, 'attempt' | 'createdAt'> | null | undefined,
  then: TaskPartFactsFragment,
) {
  return now?.attempt === then.attempt && String(now.createdAt) === String(then.createdAt)
}
