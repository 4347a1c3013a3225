import { z } from 'zod'
import { restDocsFile, restDocsPage } from '#transport/pages/rest-docs-page.ts'
import { startPage } from '#transport/pages/start-page.ts'
import type { OpenApiDocument } from '#transport/rest/openapi.ts'
import { found } from '#transport/rest/refused.ts'
import { json, type Route } from '#transport/rest/route.ts'

const tag = 'Documentation'

export interface DocumentRoutesOptions {
  /** Makes the table's own documentation; asked once. */
  readonly document: () => OpenApiDocument
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
}

/** Routes for people: the start page, and the documentation of all routes. */
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
      handle: async () => startPage({ graphiql }),
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
      handle: async () => restDocsPage(get()),
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
      handle: async ({ params: { asset = '' } }) => found(await restDocsFile(asset), `file "${asset}" here`),
    },
  ]
}
