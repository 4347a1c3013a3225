import type { By, NewEntry } from '#platform/journal/entry.ts'
import type { EnvironmentRow } from './environment.ts'

/** What the journal says of environments; who holds them, it says of their locks. */
export type EnvironmentEventType =
  | 'salesforce.environment_created'
  | 'salesforce.environment_updated'
  | 'salesforce.environment_deleted'
  | 'salesforce.environment_assigned'

const subjectPrefix = 'salesforce-environment:'

/** An entry about an environment. */
export function environmentEvent(
  type: EnvironmentEventType,
  { accountId, id, name, repository, category, orgUsername }: EnvironmentRow,
  { actor, origin }: By,
  more: object = {},
): NewEntry {
  const data = { name, repository, category, username: orgUsername, ...more }
  return { accountId, type, subject: `${subjectPrefix}${id}`, actor, origin, data }
}

/** The environment that an entry is about; undefined: none. */
export function environmentOfSubject(subject: string): string | undefined {
  return subject.startsWith(subjectPrefix) ? subject.slice(subjectPrefix.length) : undefined
}
