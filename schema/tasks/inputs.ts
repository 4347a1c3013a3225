import type { Submission } from '#domain/tasks/submission.ts'
import { isRecord } from '#lib/json.ts'
import { builder } from '#schema/builder.ts'
import { BackoffEnum, PriorityEnum, TaskStatusEnum } from './task.ts'

const RetryPolicyInput = builder.inputType('RetryPolicyInput', {
  description: 'When a failed attempt is followed by another; what is left out comes from the task type.',
  fields: (t) => ({
    maxAttempts: t.int({ description: 'How many there may be in all, 1 to 100.' }),
    backoff: t.field({ type: BackoffEnum, description: 'How the wait grows.' }),
    delayMs: t.int({ description: 'Wait before the second attempt, in milliseconds.' }),
    maxDelayMs: t.int({ description: 'The longest wait, in milliseconds.' }),
  }),
})

export const SubmitTaskInput = builder.inputType('SubmitTaskInput', {
  description: 'A task to be handed in.',
  fields: (t) => ({
    type: t.string({ required: true, description: 'The name of a task type; see `taskTypes`.' }),
    input: t.field({ type: 'JSON', description: 'What the task type asks for; `{}` when absent.' }),
    priority: t.field({ type: PriorityEnum, description: 'The task type’s own when absent.' }),
    runAt: t.field({ type: 'DateTime', description: 'Not before; at once when absent.' }),
    idempotencyKey: t.string({
      description:
        'The same key again, with the same content and from the same person or application token, answers with the same task instead of making another.',
    }),
    fairnessKey: t.string({ description: 'Whose share of the slots this task uses; kept with the task.' }),
    timeoutMs: t.int({ description: 'How long an attempt may take, in milliseconds.' }),
    lockMs: t.int({ description: 'How long an attempt may go without a sign of life; 300,000 when absent.' }),
    retry: t.field({ type: RetryPolicyInput, description: 'The task type’s own when absent.' }),
    labels: t.field({ type: 'JSON', description: 'An object of texts, at most 32, to find tasks by.' }),
  }),
})

export const TaskFilter = builder.inputType('TaskFilter', {
  description: 'Which tasks; everything that is given must match.',
  fields: (t) => ({
    status: t.field({ type: [TaskStatusEnum], description: 'One of these.' }),
    type: t.stringList({ description: 'One of these.' }),
    priority: t.field({ type: [PriorityEnum], description: 'One of these.' }),
    labels: t.field({ type: 'JSON', description: 'An object of texts: has all of these labels.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Not before; for lists only.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Not after; for lists only.' }),
  }),
})

/** An input without what was left out or set to null. */
type Given<Input> = { [Key in keyof Input]?: Exclude<Input[Key], null> }

/** A submission as the domain takes it. */
export function toSubmission(input: typeof SubmitTaskInput.$inferInput): Submission {
  const given = withoutNulls(input)
  return {
    ...given,
    type: input.type,
    input: given.input ?? {},
    ...(input.retry && { retry: withoutNulls(input.retry) }),
  } as Submission
}

function withoutNulls<Input extends object>(input: Input): Given<Input> {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== null && value !== undefined),
  ) as Given<Input>
}

/** The labels that a filter asks for, as texts. */
export function labelsOf(labels: unknown): Record<string, string> {
  return isRecord(labels)
    ? Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))
    : {}
}
