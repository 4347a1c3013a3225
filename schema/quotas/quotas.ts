import { QuotaExceeded } from '#domain/quotas/errors.ts'
import type { QuotaName, QuotaState } from '#domain/quotas/quota.ts'
import { builder } from '#schema/builder.ts'
import { Failure } from '#schema/failures.ts'

const QuotaNameEnum = builder.enumType('QuotaName', {
  description: 'What an account may have only so much of.',
  values: {
    WAITING_TASKS: { value: 'waitingTasks', description: 'Tasks that are SCHEDULED or PENDING.' },
    RUNNING_TASKS: { value: 'runningTasks', description: 'Tasks that are ACTIVE; more of them wait.' },
    STORED_BYTES: {
      value: 'storedBytes',
      description: 'Inputs, results, parts and logs of tasks, and all versions of documents.',
    },
    APPLICATION_TOKENS: { value: 'applicationTokens', description: 'Application tokens that work.' },
    WEBHOOKS: { value: 'webhooks', description: 'Webhooks, whatever their status.' },
  } as const satisfies Record<string, { value: QuotaName; description: string }>,
})

builder.objectType(QuotaExceeded, {
  name: 'QuotaExceeded',
  description: 'The account has as much as it may have.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof QuotaExceeded,
  fields: (t) => ({
    quota: t.expose('quota', { type: QuotaNameEnum, description: 'Of what.' }),
    limit: t.exposeFloat('limit', { description: 'How much that is.' }),
    used: t.exposeFloat('used', { description: 'How much it has.' }),
  }),
})

const Quota = builder.objectRef<QuotaState>('Quota').implement({
  description: 'How much the account may have of something, and has.',
  fields: (t) => ({
    name: t.expose('name', { type: QuotaNameEnum, description: 'Of what.' }),
    limit: t.float({
      nullable: true,
      description: 'How much it may have; null without a limit.',
      resolve: ({ limit }) => limit ?? null,
    }),
    used: t.exposeFloat('used', { description: 'How much it has.' }),
  }),
})

builder.queryField('quotas', (t) =>
  t.field({
    type: [Quota],
    description: 'What the account may have, and has.',
    resolve: (_root, _args, { caller, quotas }) => quotas.states(caller),
  }),
)
