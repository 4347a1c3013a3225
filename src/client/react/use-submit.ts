import type { SignalboxError } from '#client/errors.ts'
import { SubmitTaskDocument, type SubmitTaskInput, type TaskSummaryFragment } from '#client/generated/graphql.ts'
import { useMutation } from './use-mutation.ts'

export interface SubmitState {
  /** Submits a task; undefined when it was refused: see `error`. */
  readonly submit: (input: SubmitTaskInput) => Promise<TaskSummaryFragment | undefined>
  readonly isSubmitting: boolean
  /** Why the last one was refused; `issues` says what is wrong with its input. */
  readonly error: SignalboxError | undefined
}

/** Submits tasks. Give each an `idempotencyKey`, so that one that is sent again after an outage runs once. */
export function useSubmit(): SubmitState {
  const { run, isRunning, error } = useMutation(SubmitTaskDocument)
  return { submit: async (input) => (await run({ input }))?.task, isSubmitting: isRunning, error }
}
