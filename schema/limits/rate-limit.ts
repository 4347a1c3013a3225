import type { Allowance } from '#domain/limits/allowance.ts'
import type { MeterState } from '#domain/limits/meter.ts'
import { builder } from '#schema/builder.ts'

const RateLimitState = builder.objectRef<MeterState>('RateLimitState').implement({
  description: 'The state of one rate limit.',
  fields: (t) => ({
    limit: t.exposeInt('limit', { description: 'Allowance per window of one minute.' }),
    remaining: t.exposeInt('remaining', { description: 'What is left in the current window.' }),
    resetMs: t.exposeFloat('resetMs', { description: 'Milliseconds until the next window begins.' }),
  }),
})

const RateLimit = builder.objectRef<Partial<Pick<Allowance, 'requests' | 'cost'>>>('RateLimit').implement({
  description:
    'The remaining rate limits of the caller: of an application token, or of a person across all their sessions.',
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
    description: 'The remaining rate limits of the caller.',
    complexity: 0,
    resolve: (_root, _args, { allowance }) => allowance ?? {},
  }),
)
