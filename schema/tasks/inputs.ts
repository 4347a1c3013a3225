import type { Submission } from '#domain/tasks/submission.ts'
import { isRecord } from '#lib/json.ts'
import { builder } from '#schema/builder.ts'
import { DependencyFailureEnum } from './dependencies.ts'
import { BackoffEnum, PriorityEnum, TaskStatusEnum } from './task.ts'

export const RetryPolicyInput = builder.inputType('RetryPolicyInput', {
  description: 'The retry policy; absent fields come from the task type.',
  fields: (t) => ({
    maxAttempts: t.int({ description: 'Maximum number of attempts, 1 to 100.' }),
    backoff: t.field({ type: BackoffEnum, description: 'How the delay between attempts grows.' }),
    delayMs: t.int({ description: 'Delay before the second attempt, in milliseconds.' }),
    maxDelayMs: t.int({ description: 'Upper limit of the delay, in milliseconds.' }),
    jitter: t.float({ description: 'Each delay is shortened by a random share of at most this, 0 to 1.' }),
    retryOn: t.stringList({
      description: 'Retry only after an error with one of these codes, or the loss of the worker; at most 50.',
    }),
  }),
})

const TaskDependencyInput = builder.inputType('TaskDependencyInput', {
  description: 'A task that has to end before another one starts.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'Its id.' }),
    onFailure: t.field({
      type: DependencyFailureEnum,
      required: true,
      defaultValue: 'FAIL',
      description: 'What happens to the other one when it fails or is cancelled.',
    }),
  }),
})

export const SubmitTaskInput = builder.inputType('SubmitTaskInput', {
  description: 'A task to submit.',
  fields: (t) => ({
    type: t.string({ required: true, description: 'The name of a task type; see `taskTypes`.' }),
    input: t.field({ type: 'JSON', description: 'The input, as the task type defines it; default `{}`.' }),
    priority: t.field({ type: PriorityEnum, description: 'Default: the task type’s priority.' }),
    runAt: t.field({ type: 'DateTime', description: 'Earliest start; default: now.' }),
    idempotencyKey: t.string({
      description:
        'Within a day, repeating a request with the same key, the same content and the same person or application token returns the same task instead of creating another.',
    }),
    singletonKey: t.string({
      description:
        'At most one task of the account and type with the same key waits or runs: while there is one, submitting another returns that one. At most 255 characters.',
    }),
    fairnessKey: t.string({
      description:
        'Tasks of the account and priority with the same key are a lane, and lanes take turns. At most 255 characters.',
    }),
    fairnessWeight: t.int({
      description:
        'How many turns its lane gets where a lane of weight 1 gets one, 1 to 100; default 1. The latest applies.',
    }),
    rank: t.int({
      description: 'Within its lane, tasks with a higher rank start first; -100 to 100, default 0.',
    }),
    concurrencyKey: t.string({
      description:
        'At most as many tasks of the account with the same key run at once as the task type allows, 1 where it says nothing; the others wait without taking a slot. Default: as the task type says. At most 255 characters.',
    }),
    timeoutMs: t.int({ description: 'How long an attempt may take, in milliseconds.' }),
    lockMs: t.int({ description: 'How long an attempt may go without a sign of life; default 300,000.' }),
    retry: t.field({ type: RetryPolicyInput, description: 'Default: the task type’s policy.' }),
    labels: t.field({ type: 'JSON', description: 'An object with at most 32 string values, to find tasks by.' }),
    dependsOn: t.field({
      type: [TaskDependencyInput],
      description: 'It starts when all of these tasks have ended; at most 100. They must exist already.',
    }),
    waitMs: t.int({
      description:
        'Of `submitTask`: how long to wait for the task to end before responding, in milliseconds, at most 60,000; default 0. Where too many requests wait already, it responds at once.',
    }),
    parentId: t.id({
      description: 'The task that it is part of, which must not have ended: when that is cancelled, so is this one.',
    }),
  }),
})

export const TaskFilter = builder.inputType('TaskFilter', {
  description: 'Selects tasks; all given conditions must match.',
  fields: (t) => ({
    status: t.field({ type: [TaskStatusEnum], description: 'Any of these statuses.' }),
    type: t.stringList({ description: 'Any of these types.' }),
    priority: t.field({ type: [PriorityEnum], description: 'Any of these priorities.' }),
    labels: t.field({ type: 'JSON', description: 'An object with string values: all of these labels.' }),
    createdFrom: t.field({ type: 'DateTime', description: 'Created at this time or later; for lists only.' }),
    createdTo: t.field({ type: 'DateTime', description: 'Created at this time or earlier; for lists only.' }),
  }),
})

/** An input without the fields that are absent or null. */
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

export function withoutNulls<Input extends object>(input: Input): Given<Input> {
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
