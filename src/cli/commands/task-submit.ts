import type { Command } from 'commander'
import { CommandFailure, exitCodeHelp } from '#cli/exit-codes.ts'
import { readInput, readLabels, readMoment } from '#cli/input.ts'
import { choice, collect, readCount, readWhole } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { watchTask } from '#cli/watch-task.ts'
import {
  type DependencyFailure,
  type Priority,
  payloadOf,
  SubmitTaskDocument,
  type SubmitTaskInput,
} from '#client/index.ts'

/** What says what a task is. */
export interface SubmitOptions {
  readonly input?: string
  readonly inputFile?: string
  readonly set?: readonly string[]
  readonly priority?: Priority
  readonly label?: readonly string[]
  readonly runAt?: string
  readonly idempotencyKey?: string
  readonly fairnessKey?: string
  readonly fairnessWeight?: number
  readonly rank?: number
  readonly concurrencyKey?: string
  readonly singletonKey?: string
  readonly dependsOn?: readonly string[]
  readonly onFailure?: DependencyFailure
  readonly parent?: string
  readonly timeout?: number
  readonly attempts?: number
  readonly watch?: boolean
}

export function addTaskSubmitCommand(parent: Command, session: Session): void {
  const command = parent
    .command('submit <type>')
    .summary('submit a task')
    .description('Submits a task, and prints its id. With --watch it shows the task until it has ended.')
    .option('-i, --input <json>', 'the input')
    .option('--input-file <file>', 'the input, from a file; - for standard input')
    .option(
      '-s, --set <name=value>',
      'one property of the input (a.b=1 for one inside another); may be repeated',
      collect,
    )
    .option(
      '-p, --priority <priority>',
      'CRITICAL, NORMAL or BATCH (default: the task type’s)',
      choice<Priority>(['CRITICAL', 'NORMAL', 'BATCH']),
    )
    .option('-l, --label <name=value>', 'to find the task by; may be repeated', collect)
    .option('--run-at <moment>', 'not before: 2026-11-24T18:00:00Z, or 30s, 10m, 2h, 1d from now')
    .option('--idempotency-key <key>', 'the same key again answers with the same task')
    .option('--fairness-key <key>', 'its lane: lanes take turns')
    .option(
      '--fairness-weight <weight>',
      'how many turns its lane gets where one of weight 1 gets one, 1 to 100',
      readCount,
    )
    .option('--rank <rank>', 'within its lane, a higher one starts first, -100 to 100', readWhole)
    .option('--concurrency-key <key>', 'run only as many with the same key at once as the task type allows')
    .option('--singleton-key <key>', 'unless a task of the type with the same key waits or runs')
    .option('--depends-on <id>', 'start when this task has ended; may be repeated', collect)
    .option(
      '--on-failure <what>',
      'what follows when one of those fails or is cancelled: FAIL (default), SKIP or RUN',
      choice<DependencyFailure>(['FAIL', 'SKIP', 'RUN']),
    )
    .option('--parent <id>', 'the task that it is part of, and cancelled with')
    .option('--timeout <seconds>', 'how long an attempt may take', readCount)
    .option('--attempts <count>', 'how many there may be in all', readCount)
    .option('-w, --watch', 'show it until it has ended')
    .addHelpText('after', () => helpOf(session.invocation))
  session.api(command, submit)
}

function helpOf(invocation: string): string {
  const lines = examples(
    `${invocation} task submit probe --set durationMs=5000 --set steps=10 --watch`,
    `${invocation} task submit repository.inspect --set source=. --priority BATCH --label team=web`,
    `echo '{"durationMs": 100}' | ${invocation} task submit probe --input-file - --json`,
  )
  return `
Values of --set are numbers, true, false, null, lists or objects where they look
like it, and texts otherwise.
What a type takes: ${invocation} task types <type>
${exitCodeHelp}${lines}`
}

async function submit(api: Api, options: SubmitOptions, type: string): Promise<number | undefined> {
  const { client, output, json, invocation } = api
  const input = await toSubmission(type, options)
  const { task, deduplicated } = payloadOf((await client.request(SubmitTaskDocument, { input })).submitTask)
  if (json && options.watch) output.record({ kind: 'SUBMITTED', task, deduplicated })
  else if (json) output.document({ task, deduplicated })
  else output.line(`${deduplicated ? 'Already submitted' : 'Submitted'}: task ${task.id} (priority ${task.priority}).`)
  if (options.watch) return watchTask(api, task)
  if (!json && output.isTerminal) output.line(`Watch it: ${invocation} task watch ${task.id}`)
  return undefined
}

/** The submission that the options of a command stand for. */
export async function toSubmission(type: string, options: SubmitOptions): Promise<SubmitTaskInput> {
  if (options.onFailure !== undefined && options.dependsOn === undefined)
    throw new CommandFailure('--on-failure needs --depends-on.')
  const {
    priority,
    label,
    runAt,
    idempotencyKey,
    fairnessKey,
    fairnessWeight,
    rank,
    concurrencyKey,
    singletonKey,
    dependsOn,
    onFailure,
    parent,
    timeout,
    attempts,
  } = options
  return {
    type,
    input: await readInput(options),
    priority,
    labels: readLabels(label),
    runAt: runAt === undefined ? undefined : readMoment(runAt),
    idempotencyKey,
    fairnessKey,
    fairnessWeight,
    rank,
    concurrencyKey,
    singletonKey,
    dependsOn: dependsOn?.map((taskId) => ({ taskId, ...(onFailure !== undefined && { onFailure }) })),
    parentId: parent,
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    retry: attempts === undefined ? undefined : { maxAttempts: attempts },
  }
}
