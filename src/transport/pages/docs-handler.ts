import type { IncomingMessage, ServerResponse } from 'node:http'
import type { GraphQLError } from 'graphql'
import { publicPathOf } from '#transport/public-path.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { meaningOf } from '#transport/rest/codes.ts'
import { Refused, refusedByError } from '#transport/rest/refused.ts'
import { docsAsset } from './docs-assets.ts'
import { type DocsPageOptions, docsFailurePage, docsIndexPage, docsTopicPage } from './docs-page.ts'
import { entityTag, type PageAnswer, pageHeaders, sendPage } from './page.ts'

/** The path of the documentation's index; the pages are below it. */
export const docsPath = '/docs'
const assetsPath = `${docsPath}/assets/`

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

/**
 * Serves the documentation to anybody, a page for each topic. Nothing is loaded from elsewhere, so that it works without
 * a way out; each page is rendered at its first request.
 */
export function createDocsHandler({ auth, maskError, publicUrl, version }: DocsHandlerOptions) {
  const prefix = publicPathOf(publicUrl)
  const options: DocsPageOptions = { basePath: `${prefix}${docsPath}`, homePath: `${prefix}/`, version }
  const pages = new Map<string, PageAnswer>()

  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    req.resume()
    sendPage(req, res, await answer(req).catch(failed))
  }

  async function answer(req: IncomingMessage): Promise<PageAnswer> {
    await auth.allowAnonymous(req)
    if (req.method !== 'GET' && req.method !== 'HEAD')
      throw new Refused('METHOD_NOT_ALLOWED', 'This page can only be read.', { headers: { allow: 'GET, HEAD' } })
    const [path = ''] = (req.url ?? '').split('?', 1)
    const found = path.startsWith(assetsPath) ? docsAsset(path.slice(assetsPath.length)) : await pageAnswer(path)
    if (found === undefined) throw new Refused('NOT_FOUND', 'There is no such page.')
    return found
  }

  async function pageAnswer(path: string): Promise<PageAnswer | undefined> {
    const known = pages.get(path)
    if (known !== undefined) return known
    const page = await (path === docsPath
      ? docsIndexPage(options)
      : docsTopicPage(path.slice(docsPath.length + 1), options))
    if (page === undefined) return undefined
    const body = String(page)
    const answer = { status: 200, headers: { ...headers, etag: entityTag(body) }, body }
    pages.set(path, answer)
    return answer
  }

  async function failed(error: unknown): Promise<PageAnswer> {
    const refused = error instanceof Refused ? error : refusedByError(maskError(error))
    const { status } = meaningOf(refused.code)
    const body = String(await docsFailurePage(refused.message, options))
    return { status, headers: { ...headers, ...refused.headers, 'cache-control': 'no-store' }, body }
  }
}
