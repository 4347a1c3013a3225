import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A page, or a file that a page loads, as it is sent; also what a REST route answers with. */
export interface PageAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Each as a `Set-Cookie` has it. */
  readonly cookies?: readonly string[]
  readonly body: string | Uint8Array<ArrayBuffer>
}

/**
 * Headers of a page: it loads only what the policy names, is framed by no other page, and sends no referrer. Browsers
 * ask each time whether their copy is current.
 */
export function pageHeaders(
  policy: readonly string[],
  forms: "form-action 'none'" | "form-action 'self'" = "form-action 'none'",
): Readonly<Record<string, string>> {
  const always = ["default-src 'none'", "base-uri 'none'", forms, "frame-ancestors 'none'"]
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': [...always, ...policy].join('; '),
    'cache-control': 'no-cache',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

/** The directive of the policy that allows a style sheet in the page itself. */
export function inlineStyle(style: string): string {
  return `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`
}

/** Headers of a file that pages name together with its version, so that a copy never has to be asked for again. */
export function versionedFileHeaders(contentType: string): Readonly<Record<string, string>> {
  return {
    'content-type': contentType,
    'cache-control': 'public, max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
  }
}

/** A version for {@link versionedFileHeaders} that changes with the contents. */
export function versionOf(contents: readonly string[]): string {
  const hash = createHash('sha256')
  for (const content of contents) hash.update(content)
  return hash.digest('hex').slice(0, 12)
}

/** An `ETag` of a page that is the same for all callers (RFC 9110 §8.8.3). */
export function entityTag(body: string): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
}

/** Sends an answer: without its body to HEAD, and as 304 to a browser whose copy has the same `etag`. */
export function sendPage(req: IncomingMessage, res: ServerResponse, { status, headers, cookies, body }: PageAnswer) {
  if (res.destroyed) return
  const isCurrent = status === 200 && isTagged(req.headers['if-none-match'], headers['etag'])
  res.writeHead(isCurrent ? 304 : status, { ...headers, ...(cookies?.length && { 'set-cookie': [...cookies] }) })
  res.end(isCurrent || req.method === 'HEAD' ? undefined : body)
}

/** Whether a copy with one of these tags is still good (RFC 9110 §13.1.2). */
function isTagged(header: string | undefined, etag: string | undefined): boolean {
  if (header === undefined || etag === undefined) return false
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
