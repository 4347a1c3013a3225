import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineTaskType, type TaskContext } from '#domain/tasks/task-type.ts'

const pause = 10
const chunkBytes = 256 * 1024

/** Waits until the test has made the file, or until the task is asked to stop. */
async function released({ signal }: TaskContext, until: string | undefined): Promise<void> {
  while (until !== undefined && !existsSync(until)) {
    signal.throwIfAborted()
    await sleep(pause)
  }
}

const holds = defineTaskType({
  name: 'holds',
  description: 'Logs three lines, and ends when a file is there.',
  input: z.object({ until: z.string().optional() }),
  isolation: 'none',
  graceMs: 100,
  run: async (context) => {
    for (const line of ['one', 'two', 'three']) context.log(line)
    context.progress(40, 'halfway')
    await released(context, context.input.until)
    return { held: true }
  },
})

/** Writes parts: small ones of several media types, a long one, and one whose end waits for a file. */
const writes = defineTaskType({
  name: 'writes',
  description: 'Writes parts.',
  input: z.object({ until: z.string().optional() }),
  isolation: 'none',
  graceMs: 100,
  run: async (context) => {
    const { until } = context.input
    await context.part('notes', 'hello', 'text/plain; charset=utf-8')
    await context.part('page.html', '<script>alert(1)</script>', 'text/html')
    await context.part('drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml')
    await context.part('odd', 'odd', 'not a media type')
    await context.part('a/b ü', 'slash', 'text/plain')
    await context.part('empty', '', 'text/plain')
    await context.part('long', chunks(5), 'application/zip')
    await context.part(
      'grows',
      (async function* () {
        yield* chunks(1)
        await released(context, until)
        yield Buffer.from('the end')
      })(),
      'text/csv',
    )
  },
})

async function* chunks(count: number): AsyncGenerator<Buffer> {
  for (let number = 0; number < count; number++) yield Buffer.alloc(chunkBytes, `chunk ${number};`)
}

export default { taskTypes: [holds, writes] }
