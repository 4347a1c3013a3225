import { z } from 'zod'
import { docsPage, docsPageHeaders, readAsset } from '#transport/rest/docs-page.ts'
import type { OpenApiDocument } from '#transport/rest/openapi.ts'
import { found } from '#transport/rest/refused.ts'
import { json, type Route } from '#transport/rest/route.ts'
import { startPage, startPageHeaders } from '#transport/rest/start-page.ts'

const tag = 'Documentation'

export interface DocumentRoutesOptions {
  /** Makes the table's own documentation; asked once. */
  readonly document: () => OpenApiDocument
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
}

/** Rows for people: where what is, and what this door answers. */
export function documentRoutes({ document, graphiql }: DocumentRoutesOptions): readonly Route[] {
  let made: OpenApiDocument | undefined
  const get = () => {
    made ??= document()
    return made
  }
  return [
    {
      method: 'get',
      path: '/',
      name: 'getStartPage',
      tag,
      summary: 'Links to the API documentation.',
      access: 'open',
      place: 'root',
      answers: { 200: { description: 'A page.', contentType: 'text/html' } },
      handle: async () => ({ status: 200, body: startPage({ graphiql }), headers: startPageHeaders }),
    },
    {
      method: 'get',
      path: '/openapi.json',
      name: 'getOpenApi',
      tag,
      summary: 'Returns this document.',
      access: 'open',
      place: 'prefixed',
      answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
      handle: async () => json(200, get()),
    },
    {
      method: 'get',
      path: '/docs',
      name: 'getDocsPage',
      tag,
      summary: 'Shows this document as a page.',
      access: 'open',
      place: 'prefixed',
      answers: { 200: { description: 'A page.', contentType: 'text/html' } },
      handle: async () => ({ status: 200, body: docsPage(get()), headers: docsPageHeaders }),
    },
    {
      method: 'get',
      path: '/docs/{asset}',
      name: 'getDocsAsset',
      tag,
      summary: 'Serves the files of the page.',
      access: 'open',
      place: 'prefixed',
      params: z.object({ asset: z.string().describe('A file’s name.') }),
      answers: { 200: { description: 'The file.', contentType: '*/*' } },
      refusals: [404],
      async handle({ params: { asset = '' } }) {
        const { body, contentType } = found(await readAsset(asset), `file "${asset}" here`)
        // The page names each file with its version, so a copy is good for as long as it is asked for.
        const headers = { 'content-type': contentType, 'cache-control': 'public, max-age=31536000, immutable' }
        return { status: 200, body, headers }
      },
    },
  ]
}
