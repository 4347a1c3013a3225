import type { AuditVerification, NotedEnd } from '#domain/audit/service.ts'
import type { AuditFault, auditFaultKinds } from '#domain/audit/verification.ts'
import { builder } from '#schema/builder.ts'

const AuditFaultKind = builder.enumType('AuditFaultKind', {
  description: 'The kinds of faults in an audit log.',
  values: {
    CHANGED: { description: 'An entry was changed.' },
    REMOVED: { description: 'Entries are missing.' },
    INSERTED: { description: 'An entry was inserted that this installation did not write.' },
    SEAL: { description: 'The end of the chain was not sealed by this installation: the whole chain was rewritten.' },
  } as const satisfies Record<(typeof auditFaultKinds)[number], object>,
})

const AuditFaultRef = builder.objectRef<AuditFault>('AuditFault').implement({
  description: 'A fault in an audit log.',
  fields: (t) => ({
    kind: t.expose('kind', { type: AuditFaultKind, description: 'What.' }),
    seq: t.exposeFloat('seq', { description: 'The first affected entry.' }),
    message: t.exposeString('message', { description: 'A human-readable sentence.' }),
  }),
})

const AuditEnd = builder.objectRef<NotedEnd>('AuditEnd').implement({
  description: 'The end of an audit log. Stored elsewhere, it later shows whether the log was truncated or rewritten.',
  fields: (t) => ({
    seq: t.exposeFloat('seq', { description: 'The last entry; 0 when there is none.' }),
    hash: t.exposeString('hash', { description: 'Its hash, in hexadecimal.' }),
  }),
})

const AuditVerificationRef = builder.objectRef<AuditVerification>('AuditVerification').implement({
  description: 'The result of checking a section of the audit log.',
  fields: (t) => ({
    checked: t.exposeInt('checked', { description: 'Number of checked entries, at most 1,000.' }),
    faults: t.field({
      type: [AuditFaultRef],
      description: 'The faults, at most 100.',
      resolve: ({ faults }) => [...faults],
    }),
    faultCount: t.exposeInt('faultCount', { description: 'Number of faults found, including those not listed.' }),
    cursor: t.string({
      nullable: true,
      description: 'Pass it as `after` to continue; null when the end was reached.',
      resolve: ({ cursor }) => cursor ?? null,
    }),
    end: t.expose('end', { type: AuditEnd, description: 'The end of the log.' }),
    prunedSeq: t.exposeFloat('prunedSeq', {
      description: 'The last entry that was deleted after its retention; 0 when none.',
    }),
  }),
})

const NotedAuditEnd = builder.inputType('NotedAuditEnd', {
  description: 'The end of the audit log at an earlier time.',
  fields: (t) => ({
    seq: t.float({ required: true, description: 'The entry.' }),
    hash: t.string({ required: true, description: 'Its hash, in hexadecimal.' }),
  }),
})

builder.queryField('auditVerification', (t) =>
  t.field({
    type: AuditVerificationRef,
    description:
      'Checks a section of the audit log: that each entry matches its hash and follows the previous one and, at the end, that this installation has sealed it.',
    args: {
      after: t.arg.string({ description: 'Continue after this cursor; from the beginning when absent.' }),
      noted: t.arg({
        type: NotedAuditEnd,
        description: 'An earlier end that must still be there; checked with the last section.',
      }),
    },
    resolve: (_root, { after, noted }, { caller, audit }) =>
      audit.verify(caller, after ?? undefined, noted ?? undefined),
  }),
)
