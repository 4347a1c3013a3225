import { z } from 'zod'
import { idempotencyHeaders, keyNames, keyOf } from '#transport/rest/fields.ts'
import {
  DeleteEntryDocument,
  EntriesDocument,
  EntryDocument,
  EntryPagesDocument,
  SetEntryDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { etagHeader, etagOf, ifMatchHeaders, preconditioned, versionOf } from '#transport/rest/preconditions.ts'
import { found, Refused } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Key-value'

const entry = z
  .object({
    key: z.string(),
    value: z.unknown().describe('Any JSON.'),
    version: z.int().describe('Grows by one with each change.'),
  })
  .meta({ id: 'Entry', description: 'A key-value entry.' })

const example = { key: 'flags/checkout', value: { enabled: true }, version: 3 }

const params = z.object({
  key: z.string().describe('The key; a slash in it is written as `%2F`.'),
})

const value = z.unknown().describe('Any JSON of up to 256 KiB.')
const ttl = z.int().min(1).max(315_360_000).optional().describe('Time to live in seconds; by default unlimited.')
const newEntry = z
  .strictObject({ key: z.string().describe('Up to 512 bytes; a slash separates parts.'), value, ttl })
  .meta({ id: 'NewEntry', description: 'An entry to create or replace.' })
const newValue = z.strictObject({ value, ttl }).meta({ id: 'NewEntryValue', description: 'The new value of an entry.' })

/** What REST calls it. */
const names = { ...keyNames, ttlMs: 'ttl' }

const toInput = ({ value, ttl }: { value?: unknown; ttl?: number | undefined }) => ({
  value,
  ttlMs: ttl === undefined ? null : ttl * 1_000,
})

const answerEntry = (status: number, entry: { version: number }) => json(status, entry, { etag: etagOf(entry.version) })

export const keyValueRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/key-value',
    name: 'listEntries',
    tag,
    summary: 'Lists entries, sorted by the bytes of their keys.',
    query: z.object({
      prefix: z.string().default('').describe('Only entries whose keys begin with this, such as `flags/`.'),
      ...listQuery(),
    }),
    answers: {
      200: { description: 'A page of entries.', schema: z.array(entry), headers: linkHeader, example: [example] },
    },
    document: EntriesDocument,
    async variables({ query, operations }) {
      const { prefix } = query
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(EntryPagesDocument, { prefix, ...page })).entries.pageInfo
      return { prefix, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ entries: { nodes, pageInfo } }, asked) => answerPage(nodes, pageInfo, asked),
  }),
  defineRoute({
    method: 'post',
    path: '/key-value',
    name: 'createEntry',
    tag,
    summary: 'Creates an entry; 409 if the key exists.',
    headers: idempotencyHeaders,
    body: newEntry,
    bodyExamples: {
      flag: { key: 'flags/checkout', value: { enabled: true } },
      'for an hour': { key: 'seen/42', value: 1, ttl: 3600 },
    },
    answers: {
      201: {
        description: 'The entry was created.',
        schema: entry,
        headers: { ...etagHeader, Location: 'Where it is.' },
        example: { ...example, version: 1 },
      },
    },
    refusals: [409],
    document: SetEntryDocument,
    names,
    variables: ({ body, headers }) => ({
      input: { key: body.key, ...toInput(body), ifVersion: 0, ...keyOf(headers) },
    }),
    refused: (refused) =>
      refused.code === 'VERSION_CONFLICT' ? new Refused('ALREADY_EXISTS', refused.message) : refused,
    answer: ({ setEntry: { entry } }, { prefix }) => {
      const location = `${prefix}/key-value/${encodeURIComponent(entry.key)}`
      return json(201, entry, { etag: etagOf(entry.version), location })
    },
  }),
  defineRoute({
    method: 'post',
    path: '/key-value/upsert',
    name: 'upsertEntry',
    tag,
    summary: 'Creates or replaces an entry.',
    headers: idempotencyHeaders,
    body: newEntry,
    answers: { 200: { description: 'The value was stored.', schema: entry, headers: etagHeader, example } },
    refusals: [409],
    document: SetEntryDocument,
    names,
    variables: ({ body, headers }) => ({ input: { key: body.key, ...toInput(body), ...keyOf(headers) } }),
    answer: ({ setEntry }) => answerEntry(200, setEntry.entry),
  }),
  defineRoute({
    method: 'get',
    path: '/key-value/{key}',
    name: 'getEntry',
    tag,
    summary: 'Returns an entry; 404 if it does not exist or has expired.',
    params,
    answers: { 200: { description: 'The entry.', schema: entry, headers: etagHeader, example } },
    refusals: [404],
    document: EntryDocument,
    variables: ({ params }) => params,
    answer: (data, { params }) => answerEntry(200, found(data.entry, `entry "${params.key}"`)),
  }),
  defineRoute({
    method: 'put',
    path: '/key-value/{key}',
    name: 'changeEntry',
    tag,
    summary: 'Changes an existing entry.',
    params,
    headers: ifMatchHeaders,
    body: newValue,
    bodyExamples: { flag: { value: { enabled: false } } },
    answers: { 200: { description: 'The value was stored.', schema: entry, headers: etagHeader, example } },
    refusals: [404, 412],
    document: SetEntryDocument,
    names,
    variables: ({ params, body, headers }) => ({
      input: { ...params, ...toInput(body), ifExists: true, ifVersion: versionOf(headers) ?? null },
    }),
    refused: (refused, { headers }) => preconditioned(refused, headers),
    answer: ({ setEntry }) => answerEntry(200, setEntry.entry),
  }),
  defineRoute({
    method: 'delete',
    path: '/key-value/{key}',
    name: 'deleteEntry',
    tag,
    summary: 'Deletes an entry.',
    params,
    headers: ifMatchHeaders,
    answers: { 204: { description: 'The entry was deleted.' } },
    refusals: [404, 412],
    document: DeleteEntryDocument,
    variables: ({ params, headers }) => ({ input: { ...params, ifVersion: versionOf(headers) ?? null } }),
    refused: (refused, { headers }) => preconditioned(refused, headers),
    answer: () => ({ status: 204 }),
  }),
]
