import { outputEventTypes } from '#domain/tasks/events.ts'
import type { JournalFilter } from '#platform/journal/store.ts'

/** Selects the journal entries of the audit log: what callers did, and what concerns security. */
export const auditFilter: JournalFilter = {
  prefixes: ['auth.', 'secret.', 'salesforce.credential_used'],
  excludedTypes: outputEventTypes,
}
