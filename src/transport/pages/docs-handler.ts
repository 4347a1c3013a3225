import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { pageHeaders } from '#transport/page.ts'
import { publicPathOf } from '#transport/public-path.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { meaningOf } from '#transport/rest/codes.ts'
import { Refused, refusedByError } from '#transport/rest/refused.ts'
import { docsAsset } from './docs-assets.ts'
import { type DocsPageOptions, docsFailurePage, docsIndexPage, docsTopicPage } from './docs-page.ts'

const docsPath = '/docs'
const assetsPath = `${docsPath}/assets/`

/** Whether a path leads to the documentation. */
export function isDocsPath(path: string): boolean {
  return path === docsPath || path.startsWith(`${docsPath}/`)
}

export interface DocsHandlerOptions {
  readonly auth: RequestAuth
  readonly maskError: (error: unknown) => GraphQLError
  /** Where browsers find this installation; its path is part of all links. */
  readonly publicUrl: string | undefined
  /** Of the server, which the pages belong to. */
  readonly version: string
}

/** Loads only what is served here; runs only scripts that are files. */
const headers = pageHeaders(["script-src 'self'", "style-src 'self'", 'img-src data:', "connect-src 'self'"])

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * Serves the documentation to anybody, a page for each topic. Nothing is loaded from elsewhere, so that it works without
 * a way out; each page is rendered at its first request.
 */
export function createDocsHandler({ auth, maskError, publicUrl, version }: DocsHandlerOptions) {
  const prefix = publicPathOf(publicUrl)
  const options: DocsPageOptions = { basePath: `${prefix}${docsPath}`, homePath: `${prefix}/`, version }
  const pages = new Map<string, Reply>()

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    req.resume()
    const reply = await answer(req).catch(failed)
    if (res.destroyed) return
    const isCurrent = reply.status === 200 && isTagged(req.headers['if-none-match'], reply.headers['etag'])
    res.writeHead(isCurrent ? 304 : reply.status, reply.headers)
    res.end(isCurrent || req.method === 'HEAD' ? undefined : reply.body)
  }

  async function answer(req: IncomingMessage): Promise<Reply> {
    await auth.allowAnonymous(req)
    if (req.method !== 'GET' && req.method !== 'HEAD')
      throw new Refused('METHOD_NOT_ALLOWED', 'This page can only be read.', { headers: { allow: 'GET, HEAD' } })
    const [path = ''] = (req.url ?? '').split('?', 1)
    const found = path.startsWith(assetsPath) ? assetReply(path.slice(assetsPath.length)) : await pageReply(path)
    if (found === undefined) throw new Refused('NOT_FOUND', 'There is no such page.')
    return found
  }

  async function pageReply(path: string): Promise<Reply | undefined> {
    const known = pages.get(path)
    if (known !== undefined) return known
    const page = await (path === docsPath
      ? docsIndexPage(options)
      : docsTopicPage(path.slice(docsPath.length + 1), options))
    if (page === undefined) return undefined
    const body = String(page)
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const reply = { status: 200, headers: { ...headers, etag }, body }
    pages.set(path, reply)
    return reply
  }

  async function failed(error: unknown): Promise<Reply> {
    const refused = error instanceof Refused ? error : refusedByError(maskError(error))
    const { status } = meaningOf(refused.code)
    const body = String(await docsFailurePage(refused.message, options))
    return { status, headers: { ...headers, ...refused.headers, 'cache-control': 'no-store' }, body }
  }
}

function assetReply(name: string): Reply | undefined {
  const asset = docsAsset(name)
  if (asset === undefined) return undefined
  const { contentType, body } = asset
  // Pages name each file with its version, so a copy is good for as long as it is asked for.
  const caching = { 'cache-control': 'public, max-age=31536000, immutable', 'x-content-type-options': 'nosniff' }
  return { status: 200, headers: { 'content-type': contentType, ...caching }, body }
}

/** Whether a copy with one of these tags is still good (RFC 9110 §13.1.2). */
function isTagged(header: string | undefined, etag: string | undefined): boolean {
  if (header === undefined || etag === undefined) return false
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
