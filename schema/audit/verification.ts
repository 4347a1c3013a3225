import type { AuditVerification, NotedEnd } from '#domain/audit/service.ts'
import type { AuditFault, auditFaultKinds } from '#domain/audit/verification.ts'
import { builder } from '#schema/builder.ts'

const AuditFaultKind = builder.enumType('AuditFaultKind', {
  description: 'What is wrong with an audit log.',
  values: {
    CHANGED: { description: 'An entry is not what was written.' },
    REMOVED: { description: 'Entries are missing.' },
    INSERTED: { description: 'An entry was put there that was not written by this installation.' },
    SEAL: { description: 'The chain’s end was not sealed by this installation: it was rewritten as a whole.' },
  } as const satisfies Record<(typeof auditFaultKinds)[number], object>,
})

const AuditFaultRef = builder.objectRef<AuditFault>('AuditFault').implement({
  description: 'One thing that is wrong with an audit log.',
  fields: (t) => ({
    kind: t.expose('kind', { type: AuditFaultKind, description: 'What.' }),
    seq: t.exposeFloat('seq', { description: 'Where: the first entry that is concerned.' }),
    message: t.exposeString('message', { description: 'A sentence for people.' }),
  }),
})

const AuditEnd = builder.objectRef<NotedEnd>('AuditEnd').implement({
  description: 'Where an audit log ends. Noted elsewhere, it shows later whether the log was cut or rewritten.',
  fields: (t) => ({
    seq: t.exposeFloat('seq', { description: 'The last entry; 0 when there is none.' }),
    hash: t.exposeString('hash', { description: 'Its hash, in hexadecimal digits.' }),
  }),
})

const AuditVerificationRef = builder.objectRef<AuditVerification>('AuditVerification').implement({
  description: 'What was found in a stretch of the audit log.',
  fields: (t) => ({
    checked: t.exposeInt('checked', { description: 'Entries that were looked at, at most 1,000.' }),
    faults: t.field({
      type: [AuditFaultRef],
      description: 'What is wrong; at most a hundred faults.',
      resolve: ({ faults }) => [...faults],
    }),
    faultCount: t.exposeInt('faultCount', { description: 'How many were found, told or not.' }),
    cursor: t.string({
      nullable: true,
      description: 'Pass it as `after` to continue; null when the end was reached.',
      resolve: ({ cursor }) => cursor ?? null,
    }),
    end: t.expose('end', { type: AuditEnd, description: 'Where the log ends.' }),
    prunedSeq: t.exposeFloat('prunedSeq', { description: 'The last entry that was dropped for its age; 0 when none.' }),
  }),
})

const NotedAuditEnd = builder.inputType('NotedAuditEnd', {
  description: 'Where the audit log ended at an earlier time.',
  fields: (t) => ({
    seq: t.float({ required: true, description: 'The entry.' }),
    hash: t.string({ required: true, description: 'Its hash, in hexadecimal digits.' }),
  }),
})

builder.queryField('auditVerification', (t) =>
  t.field({
    type: AuditVerificationRef,
    description:
      'Checks a stretch of the audit log: that each entry has its hash and follows the one before, and, at the end, that this installation has sealed it.',
    args: {
      after: t.arg.string({ description: 'Continue after this cursor; from the beginning when absent.' }),
      noted: t.arg({ type: NotedAuditEnd, description: 'Must still be there; looked at with the last stretch.' }),
    },
    resolve: (_root, { after, noted }, { caller, audit }) =>
      audit.verify(caller, after ?? undefined, noted ?? undefined),
  }),
)
