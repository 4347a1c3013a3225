import type { ReportedEnd } from '#domain/tasks/task.ts'
import type { TaskType } from '#domain/tasks/task-type.ts'
import { AttemptContext, type ContextOptions } from './context.ts'
import { failed, taskError } from './failure.ts'
import { deliverResult } from './result.ts'
import { writeSecretFiles } from './secret-files.ts'
import { SecretMask } from './secret-mask.ts'

export interface ExecuteOptions extends ContextOptions {
  /** Called between the type's `prepare` and its `run`. */
  readonly giveUpRights?: () => void
}

/** Runs a type's handler once, here, and returns how it ended; never rejects. */
export async function execute(type: TaskType, options: ExecuteOptions): Promise<ReportedEnd> {
  const mask = SecretMask.of(options.secrets.map(({ value }) => value))
  try {
    const input = await type.input.safeParseAsync(options.attempt.input)
    if (!input.success) return failed('INVALID_INPUT', `The input is refused: ${issueText(input.error.issues)}`, false)
    const context = new AttemptContext(options, input.data)
    const ended = await Promise.race([
      runHandler(type, context, options).then((result) => ({ result })),
      context.suspended.then((wait) => ({ wait })),
    ])
    await context.partsWritten()
    if ('wait' in ended) return { kind: 'waiting', wait: ended.wait }
    return { kind: 'completed', result: await deliverResult(ended.result, options.output, mask) }
  } catch (error) {
    return { kind: 'failed', error: taskError(error, mask) }
  }
}

async function runHandler(type: TaskType, context: AttemptContext, options: ExecuteOptions): Promise<unknown> {
  await type.prepare?.(context)
  options.giveUpRights?.()
  await writeSecretFiles(options.secrets, options.workspace)
  return type.run(context)
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function issueText(issues: readonly Issue[]): string {
  return issues.map(({ path, message }) => `${['input', ...path.map(String)].join('.')}: ${message}`).join('; ')
}
