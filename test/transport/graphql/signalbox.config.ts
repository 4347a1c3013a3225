import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineTaskType } from '#domain/tasks/task-type.ts'

const pause = 10

/** Says one thing of each kind, then waits to be let go, so that a test decides when it goes on and when it ends. */
const speaks = defineTaskType({
  name: 'speaks',
  description: 'Speaks, and ends when a file is there.',
  input: z.object({ until: z.string().optional() }),
  isolation: 'none',
  graceMs: 100,
  run: async (context) => {
    context.progress(25, 'first')
    context.log('one')
    await context.part('note', 'hello')
    const { until } = context.input
    while (until !== undefined && !existsSync(until)) {
      context.signal.throwIfAborted()
      await sleep(pause)
    }
    context.log('two')
    context.step('last')
  },
})

/** Logs numbered lines as fast as they are written down. */
const floods = defineTaskType({
  name: 'floods',
  description: 'Logs many long lines.',
  input: z.object({ lines: z.int(), bytes: z.int().default(0) }),
  isolation: 'none',
  run: async ({ input, log, signal }) => {
    for (let line = 1; line <= input.lines; line++) {
      signal.throwIfAborted()
      log(`${line} ${'x'.repeat(input.bytes)}`)
      // Leaves the process to the others.
      if (line % 100 === 0) await sleep(pause)
    }
  },
})

export default { taskTypes: [speaks, floods] }
