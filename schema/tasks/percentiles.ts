import type { Percentiles } from '#domain/tasks/queue-report.ts'
import { builder } from '#schema/builder.ts'

export const PercentilesRef = builder.objectRef<Percentiles>('Percentiles').implement({
  description: 'Percentiles of durations, in milliseconds.',
  fields: (t) => ({
    p50: t.exposeFloat('p50', { description: 'The median.' }),
    p95: t.exposeFloat('p95', { description: '95 % are shorter.' }),
    p99: t.exposeFloat('p99', { description: '99 % are shorter.' }),
  }),
})
