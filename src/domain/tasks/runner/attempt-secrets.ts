import type { Attempt, AttemptEnd, ReportedEnd } from '#domain/tasks/task.ts'
import { type AttemptSecret, type GiveSecrets, secretForms } from '#domain/tasks/task-secrets.ts'
import { secretsOf, type TaskType } from '#domain/tasks/task-type.ts'
import { failed } from './failure.ts'
import type { SecretMask } from './secret-mask.ts'

const none: readonly AttemptSecret[] = []

/** The secrets that an attempt is to get, or its end when some of them don't exist. */
export async function findSecrets(
  give: GiveSecrets,
  type: TaskType,
  attempt: Attempt,
): Promise<{ readonly secrets: readonly AttemptSecret[] } | { readonly end: ReportedEnd }> {
  const forms = secretForms(secretsOf(type, attempt.input))
  if (forms.size === 0) return { secrets: none }
  const values = await give(attempt, [...forms.keys()])
  const missing = [...forms.keys()].filter((name) => !values.has(name))
  if (missing.length > 0) return { end: secretMissing(missing) }
  return { secrets: [...forms].map(([name, form]) => ({ name, form, value: values.get(name) ?? '' })) }
}

function secretMissing(names: readonly string[]): ReportedEnd {
  const [what, they] = names.length === 1 ? ['the secret', 'it'] : ['the secrets', 'they']
  const message = `It needs ${what} ${names.join(', ')}, which the account does not have; retry the task once ${they} ${names.length === 1 ? 'is' : 'are'} set.`
  return failed('SECRET_MISSING', message, false)
}

/** An end without the secrets that `mask` knows. */
export function maskedEnd(end: AttemptEnd, mask: SecretMask | undefined): AttemptEnd {
  if (mask === undefined || end.kind === 'stopped' || end.kind === 'waiting') return end
  if (end.kind === 'completed') return { ...end, result: mask.json(end.result) }
  const { code, message, stack, retryable } = end.error
  const error = { code: mask.text(code), message: mask.text(message), retryable }
  return { kind: 'failed', error: stack === undefined ? error : { ...error, stack: mask.text(stack) } }
}
