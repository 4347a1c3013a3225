import { z } from 'zod'
import { defineTaskType } from '#domain/tasks/task-type.ts'

const greets = defineTaskType({
  name: 'greets',
  description: 'Logs a line and answers with a greeting.',
  input: z.object({ name: z.string() }),
  isolation: 'none',
  run: async ({ input, log, progress }) => {
    log(`greeting ${input.name}`)
    progress(50, 'greeting')
    return { greeting: `Hello, ${input.name}` }
  },
})

const waits = defineTaskType({
  name: 'waits',
  description: 'Fills lists; its tasks are due much later.',
  input: z.object({}),
  isolation: 'none',
  run: async () => undefined,
})

export default { taskTypes: [greets, waits] }
