import type { AuditOutcome, auditOutcomes } from '#domain/audit/audit-entry.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf } from '#schema/pagination.ts'

export const AuditOutcomeEnum = builder.enumType('AuditOutcome', {
  description: 'The outcome of an action.',
  values: {
    SUCCEEDED: { description: 'It was done.' },
    FAILED: { description: 'The credential was not valid, such as a wrong password.' },
    REFUSED: { description: 'The caller was known but not allowed to do it, or a hook refused the call.' },
  } as const satisfies Record<(typeof auditOutcomes)[number], object>,
})

const AuditCredential = builder.objectRef<{ kind: string; id: string }>('AuditCredential').implement({
  description: 'The credential of a caller.',
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'token, session or provider.' }),
    id: t.exposeID('id', {
      description: 'The id of the application token, the session, or the person known to the provider.',
    }),
  }),
})

const AuditOperation = builder.objectRef<{ name: string | null; hash: string }>('AuditOperation').implement({
  description: 'The GraphQL operation; REST and the command line run GraphQL operations, too.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true, description: 'Its name; null when it has none.' }),
    hash: t.exposeString('hash', { description: 'SHA-256 of its text.' }),
  }),
})

const AuditEntryRef = builder.prismaObject('AuditEntry', {
  description:
    'An action, or a refused attempt. `hash` is the SHA-256 of all other fields, including the hash of the previous entry, as canonical JSON (RFC 8785).',
  select: { accountId: true, seq: true },
  fields: (t) => ({
    accountId: t.exposeID('accountId', { description: 'The account whose chain it belongs to.' }),
    seq: t.float({
      description: 'Its position in the chain, from 1, without gaps.',
      resolve: ({ seq }) => Number(seq),
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When its transaction began.' }),
    type: t.exposeString('type', { description: 'The type of the event, such as `auth.token_revoked`.' }),
    outcome: t.field({
      type: AuditOutcomeEnum,
      description: 'The outcome.',
      select: { outcome: true },
      resolve: ({ outcome }): AuditOutcome => outcome,
    }),
    actor: t.field({
      type: 'Actor',
      description: 'Who.',
      select: { actorKind: true, actorId: true, actorName: true },
      resolve: ({ actorKind, actorId, actorName }) => ({ kind: actorKind as never, id: actorId, name: actorName }),
    }),
    subject: t.exposeString('subject', { description: 'What it was done to, such as `task:<id>`.' }),
    credential: t.field({
      type: AuditCredential,
      nullable: true,
      description: 'The credential used; null for anonymous callers and for the system.',
      select: { credentialKind: true, credentialId: true },
      resolve: ({ credentialKind: kind, credentialId: id }) => (kind === null || id === null ? null : { kind, id }),
    }),
    address: t.exposeString('address', { nullable: true, description: 'The network address of the caller.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'The caller’s user agent.' }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'Identifies the request in the server’s log.',
    }),
    operation: t.field({
      type: AuditOperation,
      nullable: true,
      description: 'The GraphQL operation; null when there was none.',
      select: { operationName: true, operationHash: true },
      resolve: ({ operationName: name, operationHash: hash }) => (hash === null ? null : { name, hash }),
    }),
    scopes: t.exposeStringList('scopes', { description: 'The scopes that were required and held.' }),
    data: t.field({
      type: 'JSON',
      description: 'Further details; never the stored or submitted content.',
      select: { data: true },
      resolve: ({ data }) => data,
    }),
    previousHash: t.string({
      description: 'Hash of the previous entry, in hexadecimal; zeros for the first entry.',
      select: { previousHash: true },
      resolve: ({ previousHash }) => Buffer.from(previousHash).toString('hex'),
    }),
    hash: t.string({
      description: 'Hash of this entry, in hexadecimal.',
      select: { hash: true },
      resolve: ({ hash }) => Buffer.from(hash).toString('hex'),
    }),
  }),
})

export const AuditEntryConnection = connectionOf('AuditEntry', AuditEntryRef)
