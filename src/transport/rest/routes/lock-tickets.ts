import { z } from 'zod'
import {
  ForceReleaseLockDocument,
  LockTicketDocument,
  type LockTicketFactsFragment,
  LockTicketsDocument,
  ReleaseLockTicketDocument,
  RequestLockDocument,
} from '#transport/rest/generated/graphql.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { actor, leaseDurationSeconds, reason } from './lock-fields.ts'

const tag = 'Locks'
const statuses = { QUEUED: 'queued', ACQUIRED: 'acquired', RELEASED: 'released' } as const

export const lockTicket = z
  .object({
    id: z.string(),
    repository: z.string(),
    resource: z.string(),
    ticketId: z.string().describe('The same as `id`.'),
    status: z.enum(['queued', 'acquired', 'released']),
    queuePosition: z.int().describe('Number of tickets ahead of this one, including the holder’s.'),
    fence: z.int().nullable().describe('The fencing token for renewals and writes; null while queued.'),
    holder: actor.describe('Who requested it.'),
    reason: reason.nullable(),
    leaseStart: z.iso.datetime().nullable().describe('Null while queued.'),
    leaseEnd: z.iso.datetime().nullable().describe('When the lease ends unless it is renewed; null while queued.'),
    leaseDurationSeconds: z.number(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime().describe('When it was queued or acquired.'),
  })
  .meta({ id: 'LockTicket', description: 'A requested or held lock.' })

export const lockTicketExample = {
  id: '01a20df8-6459-7047-91d4-901f8af598e8',
  repository: 'acme/shop',
  resource: 'prod',
  ticketId: '01a20df8-6459-7047-91d4-901f8af598e8',
  status: 'queued',
  queuePosition: 1,
  fence: null,
  holder: { kind: 'application', id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b11', name: 'pipeline' },
  reason: 'release 42',
  leaseStart: null,
  leaseEnd: null,
  leaseDurationSeconds: 300,
  createdAt: '2030-01-01T04:00:00.000Z',
  updatedAt: '2030-01-01T04:00:00.000Z',
}

interface Place {
  readonly repository: string
  readonly resource: string
}

const repository = z.string().describe('The repository, such as `acme/shop`; in a path a slash is written as `%2F`.')
const resource = z.string().describe('The part of it to lock, such as `prod`.')
const placeParams = z.object({ repository, resource })
const ticketParams = placeParams.extend({ ticketId: z.string().describe('The ticket’s id.') })

export const lockTicketRequest = z
  .strictObject({ repository, resource, leaseDurationSeconds, reason: reason.optional() })
  .meta({ id: 'LockTicketRequest', description: 'A lock to request; queued if it is held.' })

/**
 * The name of the lock. A slash of the resource is encoded, so that the last one of the name ends the repository and no
 * two places share a name.
 */
export function lockNameOf({ repository, resource }: Place): string {
  return `${repository}/${resource.replaceAll('%', '%25').replaceAll('/', '%2F')}`
}

function toTicket(place: Place, { id, status, position, actor, ...ticket }: LockTicketFactsFragment) {
  const { fence, acquiredAt, expiresAt, ttlMs, createdAt } = ticket
  return {
    id,
    repository: place.repository,
    resource: place.resource,
    ticketId: id,
    status: statuses[status],
    queuePosition: position,
    fence,
    holder: actor,
    reason: ticket.reason,
    leaseStart: acquiredAt,
    leaseEnd: expiresAt,
    leaseDurationSeconds: ttlMs / 1000,
    createdAt,
    updatedAt: acquiredAt ?? createdAt,
  }
}

/** What `POST /locks` does with a repository and a resource. */
export const requestLockRoute = defineRoute({
  method: 'post',
  path: '/locks',
  name: 'requestLock',
  tag,
  summary: 'Requests a lock.',
  body: lockTicketRequest,
  answers: {},
  document: RequestLockDocument,
  names: { ttlMs: 'leaseDurationSeconds', name: 'repository' },
  variables: ({ body }) => ({
    input: { name: lockNameOf(body), ttlMs: body.leaseDurationSeconds * 1000, reason: body.reason ?? null },
  }),
  answer({ requestLock: { ticket } }, { body, prefix }) {
    const place = [body.repository, body.resource, ticket.id].map(encodeURIComponent)
    return json(201, toTicket(body, ticket), { location: `${prefix}/locks/${place.join('/')}` })
  },
})

export const lockTicketRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/locks/{repository}/{resource}',
    name: 'listLockTickets',
    tag,
    summary: 'Lists the tickets of a lock: its holder’s, then up to 199 in queue order.',
    params: placeParams,
    answers: { 200: { description: 'The tickets.', schema: z.array(lockTicket), example: [lockTicketExample] } },
    document: LockTicketsDocument,
    variables: ({ params }) => ({ name: lockNameOf(params) }),
    answer: ({ lockTickets }, { params }) =>
      json(
        200,
        lockTickets.map((ticket) => toTicket(params, ticket)),
      ),
  }),
  defineRoute({
    method: 'delete',
    path: '/locks/{repository}/{resource}',
    name: 'clearLock',
    tag,
    summary: 'Releases a lock by force and empties its queue.',
    params: placeParams,
    answers: { 204: { description: 'The lock is free, its queue empty, and its holder’s fence void.' } },
    refusals: [404],
    document: ForceReleaseLockDocument,
    variables: ({ params }) => ({ input: { name: lockNameOf(params), queue: true } }),
    answer: () => ({ status: 204 }),
  }),
  defineRoute({
    method: 'get',
    path: '/locks/{repository}/{resource}/{ticketId}',
    name: 'getLockTicket',
    tag,
    summary: 'Returns a ticket; 404 once it is released, or its lease or its time in the queue has ended.',
    params: ticketParams,
    answers: { 200: { description: 'The ticket.', schema: lockTicket, example: lockTicketExample } },
    refusals: [404],
    document: LockTicketDocument,
    variables: ({ params }) => ({ name: lockNameOf(params), id: params.ticketId }),
    answer: ({ lockTicket }, { params }) =>
      json(200, toTicket(params, found(lockTicket, `ticket "${params.ticketId}" of this lock`))),
  }),
  defineRoute({
    method: 'delete',
    path: '/locks/{repository}/{resource}/{ticketId}',
    name: 'releaseLockTicket',
    tag,
    summary: 'Releases a ticket; the next one in the queue acquires the lock. Tickets of others need `access:admin`.',
    params: ticketParams,
    answers: {
      200: {
        description: 'The ticket as it was, with the status `released`.',
        schema: lockTicket,
        example: { ...lockTicketExample, status: 'released', queuePosition: 0 },
      },
    },
    refusals: [404],
    document: ReleaseLockTicketDocument,
    variables: ({ params }) => ({ input: { name: lockNameOf(params), id: params.ticketId } }),
    answer: ({ releaseLockTicket: { ticket } }, { params }) => json(200, toTicket(params, ticket)),
  }),
]
