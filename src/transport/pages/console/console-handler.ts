import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Handler } from '#transport/handler.ts'
import { onlyGet } from '#transport/only-get.ts'
import { entityTag, type PageAnswer, sendPage, versionedFileHeaders } from '#transport/pages/page.ts'
import { publicPathOf } from '#transport/public-path.ts'
import type { RequestAuth } from '#transport/request-auth.ts'
import { assetsPath, consolePaths } from './console-paths.ts'

/** Where `npm run build` puts the console. */
const directory = fileURLToPath(new URL('../../../../dist/console/', import.meta.url))

const contentTypes: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Everything comes from this server, and nothing stands in the page itself. */
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-cache',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

export interface ConsoleHandlerOptions {
  readonly auth: Pick<RequestAuth, 'allowAnonymous'>
  /** Where browsers find this installation; its path is the base of all links. */
  readonly publicUrl: string | undefined
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
  /** Answers a request that is not for a page, although its path is one of the console's. */
  readonly other: Handler
}

/**
 * The paths of the console: its page, which is the same at all of them, and the files that it loads. None where the
 * console was not built.
 */
export function consoleHandlers({
  auth,
  publicUrl,
  graphiql,
  other,
}: ConsoleHandlerOptions): [path: string, Handler][] {
  if (!existsSync(`${directory}index.html`)) return []
  let reading: Promise<Console> | undefined
  const read = () => {
    reading ??= readConsole(`${publicPathOf(publicUrl)}/`, graphiql)
    // It may be in the middle of being replaced.
    reading.catch(() => {
      reading = undefined
    })
    return reading
  }
  const page: Handler = async (req, res) => {
    const { method = '', headers, url = '/' } = req
    const isRead = method === 'GET' || method === 'HEAD'
    const isPage = (headers.accept ?? '').includes('text/html') || url.split('?', 1)[0] === '/'
    if (!isRead || !isPage) return other(req, res)
    req.resume()
    await auth.allowAnonymous(req)
    sendPage(req, res, (await read()).page)
  }
  const asset: Handler = onlyGet(async (req, res) => {
    const name = (req.url ?? '').split('?', 1)[0]?.slice(assetsPath.length + 1) ?? ''
    const body = (await read()).assets.get(name)
    // A page of an older version asks for its own files, and must not take another for them.
    if (body === undefined) return other(req, res)
    req.resume()
    sendPage(req, res, assetAnswer(name, body, String(req.headers['accept-encoding'] ?? '')))
  })
  return [...consolePaths.map((path): [string, Handler] => [path, page]), [`${assetsPath}/`, asset]]
}

interface Console {
  readonly page: PageAnswer
  /** By name, compressed. */
  readonly assets: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

/**
 * The page and all its files, half a megabyte, read when the first is asked for. The page has the base, by which it finds
 * its files at any depth of its addresses.
 */
async function readConsole(base: string, graphiql: boolean): Promise<Console> {
  const html = await readFile(`${directory}index.html`, 'utf8')
  const body = html
    .replace('<base href="/">', `<base href="${base}">`)
    .replace('<!-- graphql -->', graphiql ? '<a href="graphql">GraphQL</a>, ' : '')
  const names = await readdir(`${directory}assets`)
  const assets = names.map(async (name) => [name, gzipSync(await readFile(`${directory}assets/${name}`))] as const)
  return {
    page: { status: 200, headers: { ...pageHeaders, etag: entityTag(body) }, body },
    assets: new Map(await Promise.all(assets)),
  }
}

function assetAnswer(name: string, gzipped: Uint8Array<ArrayBuffer>, accepted: string): PageAnswer {
  const isGzip = accepted.includes('gzip')
  const body = isGzip ? gzipped : new Uint8Array(gunzipSync(gzipped))
  const headers = {
    ...versionedFileHeaders(contentTypes[extname(name)] ?? 'application/octet-stream'),
    'content-length': String(body.length),
    vary: 'Accept-Encoding',
    ...(isGzip && { 'content-encoding': 'gzip' }),
  }
  return { status: 200, headers, body }
}
