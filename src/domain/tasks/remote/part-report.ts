import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import { LeaseLost } from '#domain/tasks/errors.ts'
import { taskEvent } from '#domain/tasks/events.ts'
import { countReported, type LeaseRef, type ReportingAttempt } from '#domain/tasks/store/leases.ts'
import { appendToPart, countParts, findPart, insertPart, readPart } from '#domain/tasks/store/output.ts'
import { outputLimits } from '#domain/tasks/task-type.ts'
import { invalidValue } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { shortText } from './remote-worker.ts'

/** Bytes are stored in pieces of this size, which a reader can take one at a time. */
const pieceBytes = 256 * 1024
const hashedBytes = 1024 * 1024

export const partReport = z
  .strictObject({
    name: shortText(255),
    contentType: shortText(255).optional(),
    /** Text, or JSON where `json` is given, or bytes. */
    text: z.string().optional(),
    json: z.unknown().optional(),
    bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array).optional(),
    /** Adds to what the attempt has reported of the part; otherwise the part is replaced. */
    append: z.boolean().default(false),
    /** Whether nothing of it follows. */
    complete: z.boolean().default(true),
  })
  .refine(
    ({ text, json, bytes }) => [text, json, bytes].filter((one) => one !== undefined).length === 1,
    'must have exactly one of text, json and bytes',
  )
export type PartReport = z.input<typeof partReport>
export type ReportedPart = z.output<typeof partReport>

/** Writes a piece of an attempt's part. @throws {LeaseLost} @throws {InvalidInput} when it becomes too large, or there are too many. */
export async function writePart(
  transact: Transact,
  caller: Caller,
  { taskId, fence }: LeaseRef,
  part: ReportedPart,
): Promise<void> {
  const { accountId, principalId } = caller
  await transact(async (tx) => {
    if (!part.complete) tx.quiet('a part that grows')
    const [attempt] = await countReported(tx, [{ accountId, principalId, taskId, fence, lines: 0 }])
    if (attempt === undefined) throw new LeaseLost(taskId, fence)
    const contentType = part.contentType ?? defaultType(part)
    const place = await openPart(tx, attempt, { ...part, contentType })
    const { sizeBytes, sha256 } = await append(tx, accountId, place, part)
    if (sha256 === undefined) return
    const { type, priority, labels, number } = attempt
    const fact = { name: part.name, contentType: place.contentType, sizeBytes, sha256: sha256.toString('hex') }
    const data = { type, priority, status: 'ACTIVE', attempt: number, labels, part: fact } as const
    tx.journal(taskEvent('task.part', attempt, caller.by(), data))
  })
}

interface Place {
  readonly contentId: string
  readonly sizeBytes: number
  readonly contentType: string
}

/** Where the bytes go: to the end of what this attempt has written, or into a part that takes the place of an earlier one. */
async function openPart(
  tx: Transaction,
  { accountId, taskId, number }: ReportingAttempt,
  { name, contentType, append }: ReportedPart & { readonly contentType: string },
): Promise<Place> {
  const known = await findPart(tx, accountId, taskId, name)
  if (append && known?.attempt === number) return known
  if (known === undefined && (await countParts(tx, accountId, taskId)) >= outputLimits.parts)
    throw invalidValue('The part', 'parts', `is one too many: a task has at most ${outputLimits.parts}`)
  const contentId = newId()
  await insertPart(tx, { accountId, taskId, name, contentId, attempt: number, contentType })
  return { contentId, sizeBytes: 0, contentType }
}

async function append(
  tx: Transaction,
  accountId: string,
  { contentId, sizeBytes }: Place,
  part: ReportedPart,
): Promise<{ readonly sizeBytes: number; readonly sha256: Buffer | undefined }> {
  const bytes = bytesOf(part)
  const { partBytes } = outputLimits
  if (sizeBytes + bytes.length > partBytes)
    throw invalidValue(
      'The part',
      'parts',
      `would have ${sizeBytes + bytes.length} bytes; at most ${partBytes} are kept`,
    )
  for (let start = 0; start < bytes.length; start += pieceBytes)
    await appendToPart(
      tx,
      { accountId, contentId },
      sizeBytes + start,
      bytes.subarray(start, start + pieceBytes),
      undefined,
    )
  const total = sizeBytes + bytes.length
  const sha256 = part.complete ? await hashOf(tx, { accountId, contentId }, total) : undefined
  await appendToPart(tx, { accountId, contentId }, total, new Uint8Array(), sha256)
  return { sizeBytes: total, sha256 }
}

/** The hash of all bytes of a part: its pieces come with several requests, to any process. */
async function hashOf(
  tx: Transaction,
  part: { readonly accountId: string; readonly contentId: string },
  sizeBytes: number,
): Promise<Buffer> {
  const hash = createHash('sha256')
  for (let start = 0; start < sizeBytes; start += hashedBytes)
    hash.update(await readPart(tx, part, start, start + hashedBytes))
  return hash.digest()
}

function bytesOf({ text, json, bytes }: ReportedPart): Uint8Array {
  if (bytes !== undefined) return bytes
  return Buffer.from(text ?? JSON.stringify(json))
}

function defaultType({ text, json }: ReportedPart): string {
  if (json !== undefined) return 'application/json'
  return text === undefined ? 'application/octet-stream' : 'text/plain; charset=utf-8'
}
