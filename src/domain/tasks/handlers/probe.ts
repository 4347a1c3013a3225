import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { defineTaskType, type TaskContext } from '#domain/tasks/task-type.ts'

const input = z.strictObject({
  durationMs: z.int().min(0).max(3_600_000).default(0).describe('How long it takes, in milliseconds.'),
  steps: z.int().min(0).max(1_000).default(0).describe('In how many steps, each of them reported. 0 reports nothing.'),
  failAtStep: z.int().min(1).max(1_000).optional().describe('Fails when it comes to this step.'),
  resultBytes: z.int().min(0).max(16_777_216).optional().describe('Puts as many bytes of padding into the result.'),
})

/**
 * Does nothing, for as long and in as many steps as asked: to try an installation, a client, or the queue's speed.
 * Running it twice does nothing twice.
 */
export const probe = defineTaskType({
  name: 'probe',
  description: 'Does nothing, for as long and in as many steps as asked. To try out an installation or to measure it.',
  input,
  isolation: 'none',
  onWorkerLost: 'retry',
  run: (context) => {
    // Nothing to wait for and nothing to say: benchmarks submit thousands of these a second.
    if (context.input.durationMs === 0 && context.input.steps === 0) return result(context)
    return takeSteps(context)
  },
})

async function takeSteps(context: TaskContext<z.output<typeof input>>): Promise<unknown> {
  const { durationMs, steps, failAtStep } = context.input
  for (let step = 1; step <= steps; step++) {
    context.signal.throwIfAborted()
    context.step(`step ${step} of ${steps}`)
    if (step === failAtStep) throw new Error(`It was asked to fail at step ${step}.`)
    await pause(durationMs / steps, context.signal)
    context.progress((100 * step) / steps)
  }
  if (steps === 0) await pause(durationMs, context.signal)
  return result(context)
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (durationMs > 0) await delay(durationMs, undefined, { signal })
}

function result({ input: { steps, durationMs, resultBytes } }: TaskContext<z.output<typeof input>>): unknown {
  return resultBytes === undefined ? { steps, durationMs } : { steps, durationMs, padding: 'x'.repeat(resultBytes) }
}
