import { z } from 'zod'
import type { ServerTaskContext } from '#domain/tasks/task-type.ts'
import { ask } from './ask.ts'
import { withOrg } from './attempt-org.ts'
import type { LimitsInput } from './limits-input.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

const limitsForm = z.record(z.string(), z.looseObject({ Max: z.number(), Remaining: z.number() }))

/** Reads all limits of an org, and announces those that are near. */
export function readLimits(options: SalesforceTypeOptions, context: ServerTaskContext<LimitsInput>): Promise<unknown> {
  return withOrg(options, context, async (org) => {
    context.step(`limits of ${org.username}`)
    const limits = Object.entries(limitsForm.parse(await org.json({ method: 'GET', path: '/limits' }))).map(
      ([name, { Max: max, Remaining: remaining }]) => ({
        name,
        max,
        remaining,
        usedPercent: usedPercent(max, remaining),
      }),
    )
    const near = limits.filter(({ max, usedPercent: used }) => max > 0 && used >= context.input.nearPercent)
    if (near.length > 0) {
      const announced = near.map(({ name, max, remaining }) => ({ name, max, remaining }))
      await ask(context, { kind: 'limitsNear', orgId: org.id, limits: announced })
    }
    return { username: org.username, limits, near: near.map(({ name }) => name) }
  })
}

function usedPercent(max: number, remaining: number): number {
  return max > 0 ? Math.round(((max - remaining) / max) * 1_000) / 10 : 0
}
