import { QuotaExceeded } from '#domain/quotas/errors.ts'
import type { QuotaName, QuotaState } from '#domain/quotas/quota.ts'
import { builder } from '#schema/builder.ts'
import { Failure } from '#schema/failures.ts'

const QuotaNameEnum = builder.enumType('QuotaName', {
  description: 'The quotas of an account.',
  values: {
    WAITING_TASKS: { value: 'waitingTasks', description: 'Tasks that are SCHEDULED or PENDING.' },
    RUNNING_TASKS: { value: 'runningTasks', description: 'Tasks that are ACTIVE; more of them wait.' },
    STORED_BYTES: {
      value: 'storedBytes',
      description: 'Inputs, results, parts and logs of tasks, and all versions of documents.',
    },
    APPLICATION_TOKENS: { value: 'applicationTokens', description: 'Valid application tokens.' },
    WEBHOOKS: { value: 'webhooks', description: 'Webhooks, whatever their status.' },
  } as const satisfies Record<string, { value: QuotaName; description: string }>,
})

builder.objectType(QuotaExceeded, {
  name: 'QuotaExceeded',
  description: 'The account has used up a quota.',
  interfaces: [Failure],
  isTypeOf: (value) => value instanceof QuotaExceeded,
  fields: (t) => ({
    quota: t.expose('quota', { type: QuotaNameEnum, description: 'Which quota.' }),
    limit: t.exposeFloat('limit', { description: 'The limit.' }),
    used: t.exposeFloat('used', { description: 'The current usage.' }),
  }),
})

const Quota = builder.objectRef<QuotaState>('Quota').implement({
  description: 'A quota and its usage.',
  fields: (t) => ({
    name: t.expose('name', { type: QuotaNameEnum, description: 'Which quota.' }),
    limit: t.float({
      nullable: true,
      description: 'The limit; null without one.',
      resolve: ({ limit }) => limit ?? null,
    }),
    used: t.exposeFloat('used', { description: 'The current usage.' }),
  }),
})

builder.queryField('quotas', (t) =>
  t.field({
    type: [Quota],
    description: 'The quotas of the account and their usage.',
    resolve: (_root, _args, { caller, quotas }) => quotas.states(caller),
  }),
)
