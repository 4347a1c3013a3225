import { setTimeout as sleep } from 'node:timers/promises'
import { defineConfig, defineTaskType } from 'signalbox'
import { z } from 'zod'

/** Task types that measure nothing but the way to them. */
export default defineConfig({
  taskTypes: [
    defineTaskType({
      name: 'bench.noop',
      description: 'Does nothing.',
      input: z.object({}),
      isolation: 'none',
      run: () => null,
    }),
    defineTaskType({
      name: 'bench.stamp',
      description: 'Returns when it was started, in milliseconds of the wall clock.',
      input: z.object({}),
      isolation: 'none',
      run: () => ({ startedAt: performance.timeOrigin + performance.now() }),
    }),
    defineTaskType({
      name: 'bench.beat',
      description: 'Reports progress, or logs the time, at an interval.',
      input: z.object({ everyMs: z.number(), forMs: z.number(), says: z.enum(['progress', 'time']) }),
      isolation: 'none',
      timeoutMs: 600_000,
      run: async ({ input: { everyMs, forMs, says }, progress, log, signal }) => {
        const endsAt = performance.now() + forMs
        for (let beat = 0; performance.now() < endsAt && !signal.aborted; beat += 1) {
          if (says === 'time') log(String(performance.timeOrigin + performance.now()))
          // Never the same twice in a row, since what is not new is not told.
          else progress(beat % 100)
          await sleep(everyMs, undefined, { signal }).catch(() => undefined)
        }
      },
    }),
    defineTaskType({
      name: 'bench.burn',
      description: 'Uses one core in a process of its own.',
      input: z.object({ forMs: z.number() }),
      timeoutMs: 600_000,
      run: ({ input }) => {
        const endsAt = performance.now() + input.forMs
        while (performance.now() < endsAt);
      },
    }),
    defineTaskType({
      name: 'bench.own',
      description: 'Returns when it was started in a process of its own, in milliseconds of the wall clock.',
      input: z.object({}),
      run: () => ({ startedAt: performance.timeOrigin + performance.now() }),
    }),
    ...(['fail', 'retry'] as const).map((onWorkerLost) =>
      defineTaskType({
        name: `bench.wait-${onWorkerLost}`,
        description: 'Runs until it is stopped.',
        input: z.object({}),
        isolation: 'none',
        timeoutMs: 600_000,
        onWorkerLost,
        run: async ({ signal }) => {
          await sleep(600_000, undefined, { signal }).catch(() => undefined)
        },
      }),
    ),
  ],
})
