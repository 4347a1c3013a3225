import type { Caller } from '#domain/access/service.ts'
import type { By, NewEntry } from '#platform/journal/entry.ts'

/** What the journal says of secrets: never a value. */
export type SecretEventType = 'secret.created' | 'secret.updated' | 'secret.deleted' | 'secret.used'

/** Left out of event lists unless asked for: attempts cause these again and again. */
export const quietSecretEventTypes: readonly string[] = ['secret.used'] satisfies SecretEventType[]

const subjectPrefix = 'secret:'

export function secretEvent(
  type: SecretEventType,
  { accountId, name }: { readonly accountId: string; readonly name: string },
  { actor, origin }: By,
  more: object = {},
): NewEntry {
  return { accountId, type, subject: `${subjectPrefix}${name}`, actor, origin, data: { name, ...more } }
}

/** Whether the caller may see events about secrets. */
export function mayHearOfSecrets(caller: Caller): boolean {
  return caller.can('secrets:read')
}
