import { outputEventTypes } from '#domain/tasks/events.ts'
import type { RecordQuery } from '#platform/journal/store.ts'

/** What of the journal is in the audit log: what somebody did, and whatever concerns security. */
export const audited: RecordQuery = { prefix: 'auth.', excludedTypes: outputEventTypes }
