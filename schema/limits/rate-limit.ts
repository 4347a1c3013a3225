import type { Allowance } from '#domain/limits/allowance.ts'
import type { MeterState } from '#domain/limits/meter.ts'
import { builder } from '#schema/builder.ts'

const RateLimitState = builder.objectRef<MeterState>('RateLimitState').implement({
  description: 'How one count stands.',
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'How many there are in each window of a minute.' }),
    remaining: t.exposeInt('remaining', { description: 'How many are left in this one.' }),
    resetMs: t.exposeFloat('resetMs', { description: 'When the next one begins, in milliseconds from now.' }),
  }),
})

const RateLimit = builder.objectRef<Partial<Pick<Allowance, 'requests' | 'cost'>>>('RateLimit').implement({
  description: 'What is left to the caller: to an application token, or to a person across all their sessions.',
  fields: (t) => ({
    requests: t.field({
      type: RateLimitState,
      nullable: true,
      description: 'Requests; null without a limit.',
      resolve: (allowance) => allowance.requests ?? null,
    }),
    cost: t.field({
      type: RateLimitState,
      nullable: true,
      description:
        'What operations cost: each object of an answer 1, each change 10, each item of a list in the input 1. While ' +
        'an operation runs, the most that it can cost is taken; null without a limit.',
      resolve: (allowance) => allowance.cost ?? null,
    }),
  }),
})

builder.queryField('rateLimit', (t) =>
  t.field({
    type: RateLimit,
    description: 'How much the caller may still ask for.',
    complexity: 0,
    resolve: (_root, _args, { allowance }) => allowance ?? {},
  }),
)
