import { z } from 'zod'
import { idempotencyHeaders, keyNames, keyOf } from '#transport/rest/fields.ts'
import {
  type ApplicationTokenFactsFragment,
  ApplicationTokenPagesDocument,
  type ApplicationTokenStatus,
  ApplicationTokensDocument,
  CreateApplicationTokenDocument,
  RevokeApplicationTokenDocument,
  RotateApplicationTokenDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Application tokens'

const statuses = ['active', 'expired', 'revoked'] as const
type Status = (typeof statuses)[number]
const statusOf = {
  ACTIVE: 'active',
  EXPIRED: 'expired',
  REVOKED: 'revoked',
} as const satisfies Record<ApplicationTokenStatus, Status>
const storedStatusOf = { active: 'ACTIVE', expired: 'EXPIRED', revoked: 'REVOKED' } as const

const listed = z
  .object({
    id: z.string(),
    name: z.string().describe('A name for people to recognize it by.'),
    scopes: z.array(z.string()).describe('Its scopes; `*` allows everything.'),
    owner: z
      .string()
      .nullable()
      .describe('E-mail address of the owner of a personal token; null if the token belongs to the account.'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().describe('When it expires, or has expired.'),
    status: z.enum(statuses),
    lastUsedAt: z.iso.datetime().nullable().describe('Updated with a delay of some seconds; null: never.'),
  })
  .meta({ id: 'ApplicationToken', description: 'A credential of a program.' })

const issued = listed
  .extend({ token: z.string().describe('The token. It is not stored and cannot be shown again.') })
  .meta({ id: 'IssuedApplicationToken', description: 'A new token.' })

const example = {
  id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11',
  name: 'pipeline',
  scopes: ['tasks:write:type=deploy.*', 'events:read'],
  owner: null,
  createdAt: '2026-11-24T12:48:36.561Z',
  expiresAt: '2026-12-24T12:48:36.561Z',
  status: 'active',
  lastUsedAt: null,
}
const issuedExample = { ...example, token: 'sbx_…' }

/**
 * What a token may that was asked for without scopes: the daily work of an application. Nothing that administers, and no
 * other's credentials: to register Salesforce orgs, salesforce:admin has to be asked for.
 */
const applicationScopes = [
  'tasks:read',
  'tasks:write',
  'documents:read',
  'documents:write',
  'entries:read',
  'entries:write',
  'events:read',
  'events:write',
  'salesforce:use',
]

const expiresIn = z
  .int()
  .min(1)
  .max(36_500)
  .optional()
  .describe(
    'After how many days it expires; default 30. At most 365, unless the account’s policy says otherwise. A token without `access:admin` that rotates itself keeps its expiry, and can only request an earlier one.',
  )

const request = z
  .strictObject({
    name: z.string().describe('Who uses it, and for what; at most 100 characters.'),
    expiresIn,
    scopes: z
      .array(z.string())
      .default(applicationScopes)
      .describe(
        'Its scopes, such as `tasks:read`, `tasks:write:type=deploy.*` or `documents:write:releases/**`; they must not exceed the caller’s.',
      ),
    personal: z
      .boolean()
      .optional()
      .describe(
        'Whether the token belongs to the signed-in person, whose current role limits it. Defaults to true for people without `access:admin`.',
      ),
  })
  .meta({ id: 'ApplicationTokenRequest', description: 'The token to create.' })

const rotation = z
  .strictObject({
    overlapMs: z
      .int()
      .min(0)
      .max(7 * 24 * 60 * 60 * 1000)
      .default(0)
      .describe('How long the old token stays valid, in milliseconds; at most seven days.'),
    expiresIn,
  })
  .meta({ id: 'ApplicationTokenRotation', description: 'How to replace a token.' })

const revoked = z
  .object({ message: z.string(), id: z.string(), status: z.enum(statuses) })
  .meta({ id: 'RevokedApplicationToken', description: 'A revoked token.' })

/** What REST calls `expiresInDays`. */
const names = { ...keyNames, expiresInDays: 'expiresIn' }

export const applicationTokenRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/application-tokens',
    name: 'listApplicationTokens',
    tag,
    summary: 'Lists application tokens, newest first; without `access:admin`, only the caller’s personal tokens.',
    query: z.object({
      status: z.array(z.enum(statuses)).optional().describe('Only tokens with one of these statuses.'),
      ...listQuery(),
    }),
    answers: {
      200: { description: 'A page of tokens.', schema: z.array(listed), headers: linkHeader, example: [example] },
    },
    document: ApplicationTokensDocument,
    async variables({ query, operations }) {
      const status = query.status?.map((name) => storedStatusOf[name]) ?? null
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(ApplicationTokenPagesDocument, { status, ...page })).applicationTokens.pageInfo
      return { status, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ applicationTokens: { nodes, pageInfo } }, asked) => answerPage(nodes.map(toListed), pageInfo, asked),
  }),
  defineRoute({
    method: 'post',
    path: '/application-tokens',
    name: 'createApplicationToken',
    tag,
    summary: 'Creates an application token.',
    description:
      'Needs `access:admin`, except that people who are signed in may create personal tokens. Without `scopes`, the token may submit and read tasks, read and write documents and entries, and ' +
      'read and publish events; scopes for administration must be requested by name.',
    headers: idempotencyHeaders,
    body: request,
    bodyExamples: {
      narrow: { name: 'pipeline', scopes: ['tasks:write:type=deploy.*', 'events:read'], expiresIn: 90 },
      'for everything but administration': { name: 'pipeline', expiresIn: 30 },
    },
    answers: { 201: { description: 'The token is valid from now on.', schema: issued, example: issuedExample } },
    refusals: [409],
    document: CreateApplicationTokenDocument,
    names,
    variables: ({ body: { name, scopes, personal = null, expiresIn = null }, headers }) => ({
      input: { name, scopes, personal, expiresInDays: expiresIn, ...keyOf(headers) },
    }),
    answer: ({ createApplicationToken }) => json(201, toIssued(createApplicationToken)),
  }),
  defineRoute({
    method: 'post',
    path: '/application-tokens/{id}/rotate',
    name: 'rotateApplicationToken',
    tag,
    summary: 'Replaces a token by a successor with the same name and scopes.',
    params: z.object({ id: z.string().describe('The old token’s id.') }),
    headers: idempotencyHeaders,
    body: rotation,
    bodyIsOptional: true,
    bodyExamples: { 'with an hour to change over': { overlapMs: 3_600_000 } },
    answers: { 201: { description: 'The successor is valid from now on.', schema: issued, example: issuedExample } },
    refusals: [404, 409],
    document: RotateApplicationTokenDocument,
    names,
    variables: ({ params: { id }, body: { overlapMs, expiresIn = null }, headers }) => ({
      input: { id, overlapMs, expiresInDays: expiresIn, ...keyOf(headers) },
    }),
    answer: ({ rotateApplicationToken }) => json(201, toIssued(rotateApplicationToken)),
  }),
  defineRoute({
    method: 'delete',
    path: '/application-tokens/{token}',
    name: 'revokeApplicationToken',
    tag,
    summary: 'Revokes a token and ends everything running under it.',
    params: z.object({ token: z.string().describe('The token’s id, or the token itself.') }),
    query: z.object({ reason: z.string().max(500).optional().describe('The reason, for the audit log.') }),
    answers: {
      200: {
        description: 'The token is no longer accepted.',
        schema: revoked,
        example: { message: 'The application token was revoked.', id: example.id, status: 'revoked' },
      },
    },
    refusals: [404, 409],
    document: RevokeApplicationTokenDocument,
    variables: ({ params, query: { reason = null } }) => ({ input: { id: params.token, reason } }),
    answer({ revokeApplicationToken: { applicationToken } }) {
      const { id, status } = toListed(applicationToken)
      return json(200, { message: 'The application token was revoked.', id, status })
    },
  }),
]

function toListed(token: ApplicationTokenFactsFragment): z.output<typeof listed> {
  const { id, name, scopes, owner, createdAt, expiresAt, status, lastUsedAt } = token
  return { id, name, scopes, owner: owner?.name ?? null, createdAt, expiresAt, status: statusOf[status], lastUsedAt }
}

function toIssued(made: {
  readonly token: string
  readonly applicationToken: ApplicationTokenFactsFragment
}): z.output<typeof issued> {
  return { ...toListed(made.applicationToken), token: made.token }
}
