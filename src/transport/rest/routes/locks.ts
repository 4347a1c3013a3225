import { z } from 'zod'
import { isRecord } from '#lib/json.ts'
import { wholeNumber } from '#transport/rest/fields.ts'
import {
  AcquireLockDocument,
  ForceReleaseLockDocument,
  LockDocument,
  LockPagesDocument,
  LocksDocument,
  ReleaseLockDocument,
  RenewLockDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { actor, leaseDurationSeconds, reason } from './lock-fields.ts'
import { lockTicket, lockTicketExample, lockTicketRequest, lockTicketRoutes, requestLockRoute } from './lock-tickets.ts'

const tag = 'Locks'
const maxLockWaitS = 300

const fence = z.int().describe('Grows with each grant; renewing and releasing the lock need it.')

const lock = z
  .object({
    name: z.string(),
    fence,
    holder: actor,
    reason: reason.nullable(),
    acquiredAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().describe('When the lease ends unless it is renewed.'),
  })
  .meta({ id: 'Lock', description: 'A held lock.' })

const lockWithQueue = lock
  .extend({
    queue: z
      .array(z.object({ actor, reason: reason.nullable(), queuedAt: z.iso.datetime(), until: z.iso.datetime() }))
      .describe('The first 50 waiting callers, in queue order.'),
  })
  .meta({ id: 'LockWithQueue', description: 'A held lock and its queue.' })

const example = {
  name: 'deploy/prod',
  fence: 7,
  holder: { kind: 'application', id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11', name: 'pipeline' },
  reason: null,
  acquiredAt: '2030-01-01T04:00:00.000Z',
  expiresAt: '2030-01-01T04:05:00.000Z',
}

const params = z.object({ name: z.string().describe('The lock’s name; a slash in it is written as `%2F`.') })

/** What REST calls the operation's inputs. */
const names = { ttlMs: 'leaseDurationSeconds', waitMs: 'waitSeconds' }

const lockRequest = z
  .strictObject({
    name: z.string().optional().describe('Up to 512 bytes; a slash separates parts.'),
    anyOf: z
      .array(z.string())
      .optional()
      .describe('Instead of `name`: up to 20 names; the lock that is free, or becomes free first, is acquired.'),
    leaseDurationSeconds,
    waitSeconds: z
      .int()
      .min(0)
      .max(maxLockWaitS)
      .default(0)
      .describe(`How many seconds to wait if it is held; at most ${maxLockWaitS}.`),
    reason: reason.optional(),
  })
  .meta({ id: 'LockRequest', description: 'A lock to acquire.' })

const acquireLockRoute = defineRoute({
  method: 'post',
  path: '/locks',
  name: 'acquireLock',
  tag,
  summary: 'Acquires a lock; 409 if it is held and does not become free in time.',
  description: 'A caller that disconnects while waiting leaves the queue.',
  body: lockRequest,
  bodyExamples: { deployment: { name: 'deploy/prod', leaseDurationSeconds: 300, waitSeconds: 60 } },
  answers: {
    201: { description: 'The lock was acquired.', schema: lock, headers: { Location: 'URL of the lock.' }, example },
  },
  refusals: [409],
  document: AcquireLockDocument,
  names,
  variables: ({ body }) => ({
    input: {
      name: body.name ?? null,
      anyOf: body.anyOf ?? null,
      ttlMs: body.leaseDurationSeconds * 1000,
      waitMs: body.waitSeconds * 1000,
      reason: body.reason ?? null,
    },
  }),
  answer: ({ acquireLock: { lock } }, { prefix }) =>
    json(201, lock, { location: `${prefix}/locks/${encodeURIComponent(lock.name)}` }),
})

/** With a name the lock is acquired, or not; with a repository and a resource it is requested, and answered with a ticket. */
const postLockRoute: Route = {
  ...acquireLockRoute,
  summary: 'Acquires or requests a lock.',
  description:
    'With `name` or `anyOf`: 409 if the lock is held and does not become free in time; a caller that disconnects while waiting leaves the queue. With `repository` and `resource`: returns a ticket. If the lock is held, the ticket is queued for at most a day, and its lease begins when its turn comes.',
  body: z.union([lockRequest, lockTicketRequest]),
  bodyExamples: {
    ...acquireLockRoute.bodyExamples,
    ticket: { repository: 'acme/shop', resource: 'prod', leaseDurationSeconds: 300 },
  },
  answers: {
    201: {
      description: 'The lock was acquired, or requested.',
      schema: z.union([lock, lockTicket]),
      headers: { Location: 'Where it is.' },
      example: lockTicketExample,
    },
  },
  handle(request) {
    const isTicket = isRecord(request.body) && ('repository' in request.body || 'resource' in request.body)
    return (isTicket ? requestLockRoute : acquireLockRoute).handle(request)
  },
}

export const lockRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/locks',
    name: 'listLocks',
    tag,
    summary: 'Lists held locks, sorted by the bytes of their names.',
    query: z.object({
      prefix: z.string().default('').describe('Only locks whose names begin with this, such as `deploy/`.'),
      ...listQuery(),
    }),
    answers: {
      200: { description: 'A page of locks.', schema: z.array(lock), headers: linkHeader, example: [example] },
    },
    document: LocksDocument,
    async variables({ query, operations }) {
      const { prefix } = query
      const pageInfo = async (page: { first: number; after: string | null }) =>
        (await operations.run(LockPagesDocument, { prefix, ...page })).locks.pageInfo
      return { prefix, first: query.limit, after: await placeOf(query, pageInfo) }
    },
    answer: ({ locks: { nodes, pageInfo } }, asked) => answerPage(nodes, pageInfo, asked),
  }),
  postLockRoute,
  defineRoute({
    method: 'get',
    path: '/locks/{name}',
    name: 'getLock',
    tag,
    summary: 'Returns a lock and its queue; 404 if it is not held.',
    params,
    answers: { 200: { description: 'The lock.', schema: lockWithQueue, example: { ...example, queue: [] } } },
    refusals: [404],
    document: LockDocument,
    variables: ({ params }) => params,
    answer: (data, { params }) => json(200, found(data.lock, `lock "${params.name}" that is held`)),
  }),
  defineRoute({
    method: 'put',
    path: '/locks/{name}',
    name: 'renewLock',
    tag,
    summary: 'Renews the lease of a lock; 409 if another fence holds it now.',
    params,
    body: z
      .strictObject({ fence, leaseDurationSeconds })
      .meta({ id: 'LockRenewal', description: 'The new lease, counted from now.' }),
    bodyExamples: { 'five minutes more': { fence: 7, leaseDurationSeconds: 300 } },
    answers: { 200: { description: 'The lease was renewed.', schema: lock, example } },
    refusals: [409],
    document: RenewLockDocument,
    names,
    variables: ({ params, body }) => ({
      input: { ...params, fence: body.fence, ttlMs: body.leaseDurationSeconds * 1000 },
    }),
    answer: ({ renewLock }) => json(200, renewLock.lock),
  }),
  defineRoute({
    method: 'delete',
    path: '/locks/{name}',
    name: 'releaseLock',
    tag,
    summary: 'Releases a lock; the next caller in its queue acquires it.',
    params,
    query: z.object({ fence: wholeNumber(1, Number.MAX_SAFE_INTEGER).describe('The fence it was acquired with.') }),
    answers: { 204: { description: 'The lock was released.' } },
    refusals: [409],
    document: ReleaseLockDocument,
    variables: ({ params, query }) => ({ input: { ...params, ...query } }),
    answer: () => ({ status: 204 }),
  }),
  defineRoute({
    method: 'post',
    path: '/locks/{name}/force-release',
    name: 'forceReleaseLock',
    tag,
    summary: 'Takes a lock from its current holder.',
    params,
    answers: { 204: { description: 'The lock was released, and its holder’s fence is void.' } },
    refusals: [404],
    document: ForceReleaseLockDocument,
    variables: ({ params }) => ({ input: params }),
    answer: () => ({ status: 204 }),
  }),
  ...lockTicketRoutes,
]
