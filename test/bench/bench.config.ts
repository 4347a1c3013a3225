import { z } from 'zod'
import { defineTaskType } from '#domain/tasks/task-type.ts'
import { defineConfig } from '#src/project/project-config.ts'

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
  ],
})
