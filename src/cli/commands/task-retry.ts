import type { Command } from 'commander'
import { readInput } from '#cli/input.ts'
import { examples, type Session } from '#cli/session.ts'
import { watchTask } from '#cli/watch-task.ts'
import { payloadOf, RetryTaskDocument } from '#client/index.ts'

interface RetryOptions {
  readonly watch?: boolean
  readonly input?: string
  readonly inputFile?: string
}

export function addTaskRetryCommand(parent: Command, session: Session): void {
  const command = parent
    .command('retry <id>')
    .summary('give a task that failed or was cancelled one more attempt')
    .description('Retries a failed or cancelled task.')
    .option('-i, --input <json>', 'another input')
    .option('--input-file <file>', 'another input, from a file; - for standard input')
    .option('-w, --watch', 'show it until it has ended')
    .addHelpText('after', () => examples(`${session.invocation} task retry 0197e2c4-… --watch`))
  session.api(command, async (api, { watch, ...source }: RetryOptions, id: string): Promise<number | undefined> => {
    const { client, output, json } = api
    const { task } = payloadOf(
      (await client.request(RetryTaskDocument, { input: { id, input: await readInput(source) } })).retryTask,
    )
    if (json && watch) output.record({ kind: 'SUBMITTED', task, deduplicated: false })
    else if (json) output.document(task)
    else output.line(`Task ${id} will be retried.`)
    return watch ? watchTask(api, task) : undefined
  })
}
