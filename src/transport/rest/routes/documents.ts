import { z } from 'zod'
import {
  answerDocument,
  defaultCollection,
  document,
  etagHeader,
  etagOf,
  expectedVersionOf,
  mustExist,
  withPreconditions,
  writeHeaders,
} from '#transport/rest/document.ts'
import { patchOf, patchTypes } from '#transport/rest/document-patch.ts'
import { idempotencyHeaders, keyNames, keyOf, moment, wholeNumber } from '#transport/rest/fields.ts'
import {
  DeleteDocumentDocument,
  DocumentDocument,
  DocumentHistoryDocument,
  DocumentVersionNumberDocument,
  PatchDocumentDocument,
  PutDocumentDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defaultBodyLimit, defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Documents'
/** A document of 1 MiB, and what stands around it. */
const bodyLimit = defaultBodyLimit + 64 * 1024
const names = { ...keyNames, data: 'value', ttlMs: 'ttl', expectedVersion: 'version' }
const largestVersion = 2 ** 31 - 1

const version = z
  .object({
    version: z.int(),
    at: z.iso.datetime(),
    by: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    deleted: z.boolean().describe('Whether the write was a deletion.'),
    pinned: z.boolean().describe('Whether it is exempt from the collection’s retention.'),
    sizeBytes: z.int(),
  })
  .meta({ id: 'DocumentVersion', description: 'One version of a document.' })

const putBody = z
  .strictObject({
    value: z
      .unknown()
      .refine((value) => value !== undefined, 'is missing')
      .describe('Any JSON of at most 1 MiB.'),
    version: z
      .int()
      .min(0)
      .max(largestVersion)
      .optional()
      .describe('The version to change; 0: the document must not exist. 409 if it has another version.'),
    ttl: z.number().positive().optional().describe('Time to live in seconds, after which the document is deleted.'),
  })
  .meta({ id: 'DocumentRequest', description: 'The new value of a document.' })

const deleteBody = z
  .strictObject({
    version: z
      .int()
      .min(1)
      .max(largestVersion)
      .optional()
      .describe('The version to delete; 409 if the document has another one.'),
  })
  .meta({ id: 'DocumentRemoval', description: 'Which version to delete.' })

/** Where documents stand: those of the collection `default`, and those of any collection. */
interface Place {
  readonly path: '/doc-store/docs/{key}' | '/doc-store/collections/{name}/docs/{key}'
  /** Ends the names of operations. */
  readonly suffix: string
}
const places: readonly Place[] = [
  { path: '/doc-store/docs/{key}', suffix: '' },
  { path: '/doc-store/collections/{name}/docs/{key}', suffix: 'OfCollection' },
]

const key = z.string().describe('Its key; a `/` in it is percent-encoded.')

function paramsOf({ path }: Place) {
  const name = z.string().default(defaultCollection).describe('The path of its collection, percent-encoded.')
  // The parameter that a path doesn't have is never there.
  return path.includes('{name}')
    ? z.object({ name, key })
    : z.object({ key }).transform((rest) => ({ ...rest, name: defaultCollection }))
}

/** The rows of single documents. */
export const documentStoreRoutes: readonly Route[] = places.flatMap((place) => [
  ...readRows(place),
  ...writeRows(place),
])

function readRows(place: Place): readonly Route[] {
  const params = paramsOf(place)
  return [
    defineRoute({
      method: 'get',
      path: place.path,
      name: `getDocument${place.suffix}`,
      tag,
      summary: 'Returns a document.',
      params,
      query: z.object({
        version: wholeNumber(1, largestVersion).optional().describe('Return this version.'),
        at: moment('Return the version that was current at this time.'),
      }),
      headers: z.object({
        'if-none-match': z.string().optional().describe('304 if the document still has this version.'),
      }),
      answers: {
        200: { description: 'The document.', schema: document, headers: etagHeader },
        304: { description: 'The document still has the version of `If-None-Match`.', headers: etagHeader },
      },
      refusals: [404],
      document: DocumentDocument,
      variables: ({ params: { name: collection, key }, query }) => ({ collection, key, ...query }),
      answer(data, { params, headers }) {
        const facts = found(data.document, `document ${params.key} in ${params.name}`)
        // A deletion is a version, too, but nothing to be read.
        if (facts.deleted) throw new Refused('NOT_FOUND', `Version ${facts.version} of ${params.key} is a deletion.`)
        const tags = headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
        if (tags.includes('*') || tags.includes(etagOf(facts))) return { status: 304, headers: { etag: etagOf(facts) } }
        return answerDocument(200, facts)
      },
    }),
    defineRoute({
      method: 'get',
      path: `${place.path}/version`,
      name: `getDocumentVersion${place.suffix}`,
      tag,
      summary: 'Returns the version number of a document.',
      params,
      answers: { 200: { description: 'The version number.', schema: z.int(), headers: etagHeader, example: 3 } },
      refusals: [404],
      document: DocumentVersionNumberDocument,
      variables: ({ params: { name: collection, key } }) => ({ collection, key }),
      answer(data, { params }) {
        const facts = found(data.document, `document ${params.key} in ${params.name}`)
        return json(200, facts.version, { etag: etagOf(facts) })
      },
    }),
    defineRoute({
      method: 'get',
      path: `${place.path}/history`,
      name: `getDocumentHistory${place.suffix}`,
      tag,
      summary: 'Lists the versions of a document, newest first; also of a deleted one.',
      params,
      query: z.object(listQuery()),
      answers: { 200: { description: 'A page of versions.', schema: z.array(version), headers: linkHeader } },
      refusals: [404],
      document: DocumentHistoryDocument,
      async variables({ params: { name: collection, key }, query, operations }) {
        const pageInfo = async (page: { first: number; after: string | null }) => {
          const { document } = await operations.run(DocumentHistoryDocument, { collection, key, ...page })
          return found(document, `document ${key} in ${collection}`).history.pageInfo
        }
        return { collection, key, first: query.limit, after: await placeOf(query, pageInfo) }
      },
      answer(data, asked) {
        const { history } = found(data.document, `document ${asked.params.key} in ${asked.params.name}`)
        return answerPage(history.nodes, history.pageInfo, asked)
      },
    }),
  ]
}

function writeRows(place: Place): readonly Route[] {
  const params = paramsOf(place)
  const put = (method: 'post' | 'put') =>
    defineRoute({
      method,
      path: place.path,
      name: `${method}Document${place.suffix}`,
      tag,
      summary: 'Creates a document, or replaces its value.',
      params,
      headers: writeHeaders.extend(idempotencyHeaders.shape),
      body: putBody,
      bodyLimit,
      bodyExamples: { any: { value: { image: 'web:1.4.2' } }, held: { value: { image: 'web:1.4.3' }, version: 1 } },
      answers: {
        200: { description: 'The value was replaced.', schema: document, headers: etagHeader },
        201: {
          description: 'The document was created.',
          schema: document,
          headers: { ...etagHeader, Location: 'Its URL.' },
        },
      },
      refusals: [409, 412, 428],
      document: PutDocumentDocument,
      names,
      variables: ({ params: { name: collection, key }, headers, body: { value, version, ttl } }) => ({
        input: {
          collection,
          key,
          data: value,
          expectedVersion: expectedVersionOf(headers, version),
          ifExists: mustExist(headers),
          ttlMs: ttl === undefined ? null : Math.round(ttl * 1000),
          ...keyOf(headers),
        },
      }),
      answer({ putDocument: { document } }, { path }) {
        // Moments come as `Date`, whatever the generated types say.
        const isNew = Number(document.createdAt) === Number(document.updatedAt)
        return answerDocument(isNew ? 201 : 200, document, isNew ? { location: path } : {})
      },
    })
  return [put('post'), put('put'), patchRow(place), deleteRow(place)].map(withPreconditions)

  function patchRow({ path, suffix }: Place): Route {
    return defineRoute({
      method: 'patch',
      path,
      name: `patchDocument${suffix}`,
      tag,
      summary: 'Changes part of a document.',
      description:
        'The patch is a JSON Merge Patch (RFC 7396) or a JSON Patch (RFC 6902), depending on `Content-Type`; `application/json` is a merge patch.',
      params,
      headers: writeHeaders.extend({ 'content-type': z.string() }),
      body: z.unknown().describe('The patch.'),
      bodyLimit,
      bodyTypes: patchTypes,
      answers: { 200: { description: 'The document was changed.', schema: document, headers: etagHeader } },
      refusals: [404, 409, 412, 428],
      document: PatchDocumentDocument,
      names: { expectedVersion: 'If-Match' },
      variables: ({ params: { name: collection, key }, headers, body }) => ({
        input: {
          collection,
          key,
          ...patchOf(headers['content-type'], body),
          expectedVersion: expectedVersionOf(headers),
        },
      }),
      answer: ({ patchDocument: { document } }) => answerDocument(200, document),
    })
  }

  function deleteRow({ path, suffix }: Place): Route {
    return defineRoute({
      method: 'delete',
      path,
      name: `deleteDocument${suffix}`,
      tag,
      summary: 'Deletes a document; its versions are kept.',
      params,
      headers: writeHeaders,
      body: deleteBody,
      bodyIsOptional: true,
      answers: { 204: { description: 'The document was deleted.' } },
      refusals: [404, 409, 412, 428],
      document: DeleteDocumentDocument,
      names,
      variables: ({ params: { name: collection, key }, headers, body }) => ({
        input: { collection, key, expectedVersion: expectedVersionOf(headers, body.version) },
      }),
      answer: () => ({ status: 204 }),
    })
  }
}
