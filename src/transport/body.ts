import type { IncomingMessage } from 'node:http'
import { AppError } from '#lib/errors.ts'

export class BodyTooLarge extends AppError {
  readonly kind = 'too-large'
  readonly code = 'TOO_LARGE'
  constructor(limit: number) {
    super(`The request's body is larger than ${limit} bytes.`)
  }
}

/** The whole body of a request. @throws {BodyTooLarge} as soon as it is known to be larger than `limit` bytes. */
export async function readBody(req: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > limit) throw new BodyTooLarge(limit)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw new BodyTooLarge(limit)
    chunks.push(chunk)
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}
