import type { AuditOutcome, auditOutcomes } from '#domain/audit/audit-entry.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf } from '#schema/pagination.ts'

export const AuditOutcomeEnum = builder.enumType('AuditOutcome', {
  description: 'How it went.',
  values: {
    SUCCEEDED: { description: 'It was done.' },
    FAILED: { description: 'What was shown did not prove who somebody is, such as a wrong password.' },
    REFUSED: { description: 'The caller is known and not allowed to do it, or a hook refused the call.' },
  } as const satisfies Record<(typeof auditOutcomes)[number], object>,
})

const AuditCredential = builder.objectRef<{ kind: string; id: string }>('AuditCredential').implement({
  description: 'What a caller has shown.',
  fields: (t) => ({
    kind: t.exposeString('kind', { description: 'token, session or provider.' }),
    id: t.exposeID('id', {
      description: 'Of the application token, the session, or the person whom a provider knows.',
    }),
  }),
})

const AuditOperation = builder.objectRef<{ name: string | null; hash: string }>('AuditOperation').implement({
  description: 'The GraphQL operation that was run; REST and the command line run such ones, too.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: true, description: 'Null when it has none.' }),
    hash: t.exposeString('hash', { description: 'SHA-256 of its text.' }),
  }),
})

const AuditEntryRef = builder.prismaObject('AuditEntry', {
  description:
    'One thing that somebody did, or was kept from doing. `hash` is the SHA-256 of all other fields as canonical JSON (RFC 8785), the hash of the entry before among them.',
  select: { accountId: true, seq: true },
  fields: (t) => ({
    accountId: t.exposeID('accountId', { description: 'Whose chain it is in.' }),
    seq: t.float({ description: 'Its place in the chain: from 1, without gaps.', resolve: ({ seq }) => Number(seq) }),
    at: t.expose('at', { type: 'DateTime', description: 'When its transaction began.' }),
    type: t.exposeString('type', { description: 'As events have it, such as `auth.token_revoked`.' }),
    outcome: t.field({
      type: AuditOutcomeEnum,
      description: 'How it went.',
      select: { outcome: true },
      resolve: ({ outcome }): AuditOutcome => outcome,
    }),
    actor: t.field({
      type: 'Actor',
      description: 'Who.',
      select: { actorKind: true, actorId: true, actorName: true },
      resolve: ({ actorKind, actorId, actorName }) => ({ kind: actorKind as never, id: actorId, name: actorName }),
    }),
    subject: t.exposeString('subject', { description: 'What was touched, such as `task:<id>`.' }),
    credential: t.field({
      type: AuditCredential,
      nullable: true,
      description: 'What they showed; null when nobody was known, or the system noticed it by itself.',
      select: { credentialKind: true, credentialId: true },
      resolve: ({ credentialKind: kind, credentialId: id }) => (kind === null || id === null ? null : { kind, id }),
    }),
    address: t.exposeString('address', { nullable: true, description: 'The network address that it came from.' }),
    userAgent: t.exposeString('userAgent', { nullable: true, description: 'What the caller calls its program.' }),
    requestId: t.exposeString('requestId', { nullable: true, description: 'Under which the server’s log has it.' }),
    operation: t.field({
      type: AuditOperation,
      nullable: true,
      description: 'By which operation; null when by none.',
      select: { operationName: true, operationHash: true },
      resolve: ({ operationName: name, operationHash: hash }) => (hash === null ? null : { name, hash }),
    }),
    scopes: t.exposeStringList('scopes', { description: 'Those that it took, and were held.' }),
    data: t.field({
      type: 'JSON',
      description: 'What else is to be known, in short; never what was stored or handed in.',
      select: { data: true },
      resolve: ({ data }) => data,
    }),
    previousHash: t.string({
      description: 'Of the entry before, in hexadecimal digits; zeros at the first one.',
      select: { previousHash: true },
      resolve: ({ previousHash }) => Buffer.from(previousHash).toString('hex'),
    }),
    hash: t.string({
      description: 'Of this one, in hexadecimal digits.',
      select: { hash: true },
      resolve: ({ hash }) => Buffer.from(hash).toString('hex'),
    }),
  }),
})

export const AuditEntryConnection = connectionOf('AuditEntry', AuditEntryRef)
