import { mayHearOfAccess } from '#domain/access/events.ts'
import type { Caller } from '#domain/access/service.ts'
import type { DocumentService } from '#domain/documents/service.ts'
import { shownOfEntry } from '#domain/entries/events.ts'
import { mayHearOfLock } from '#domain/locks/events.ts'
import { mayHearOfSalesforce } from '#domain/salesforce/events.ts'
import { mayHearOfSecrets } from '#domain/secrets/events.ts'
import { mayHearOfTask } from '#domain/tasks/events.ts'
import { mayHearOfWebhook } from '#domain/webhooks/events.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { type OwnFamily, ownFamilyOf } from '#platform/journal/own-families.ts'

/**
 * What a caller may see of an entry's data; undefined: nothing, not even that it happened. The same for everything that
 * shows events: lists, streams and webhooks.
 */
export type ShownData = (
  caller: Caller,
  entry: Pick<JournalEntry, 'type' | 'subject' | 'data'>,
) => JournalEntry['data'] | undefined

/** Whether a caller may know what an event is about, of which they know the type. */
export type MayNameSubject = (caller: Caller, event: Pick<JournalEntry, 'type' | 'subject'>) => boolean

/** Names of documents and locks are for those who may read them, and subjects of security events for auditors. */
export function createMayNameSubject(documents: Pick<DocumentService, 'mayHear'>): MayNameSubject {
  return (caller, { type, subject }) => {
    if (!documents.mayHear(caller, { subject })) return false
    if (subject.startsWith('salesforce-org:') || subject.startsWith('salesforce-environment:'))
      return mayHearOfSalesforce(caller)
    if (subject.startsWith('secret:')) return mayHearOfSecrets(caller)
    if (subject.startsWith('lock:')) return mayHearOfLock(caller, { name: subject.slice('lock:'.length) })
    return !type.startsWith('auth.') || mayHearOfAccess(caller)
  }
}

type Shown = ReturnType<ShownData>

/** Events about something that has a scope of its own are for those who may read that thing. */
const shownOfFamily: Record<OwnFamily, ShownData> = {
  task: (caller, { data }) => shownIf(mayHearOfTask(caller, data), data),
  schedule: (caller, { data }) => shownIf(mayHearOfTask(caller, data), data),
  lock: (caller, { data }) => shownIf(mayHearOfLock(caller, data), data),
  webhook: (caller, { data }) => shownIf(mayHearOfWebhook(caller), data),
  salesforce: (caller, { data }) => shownIf(mayHearOfSalesforce(caller), data),
  secret: (caller, { data }) => shownIf(mayHearOfSecrets(caller), data),
  auth: (caller, { data }) => shownIf(mayHearOfAccess(caller), data),
  entry: shownOfEntry,
  // Whether these may be read, `mayHear` has decided.
  document: (_, { data }) => data,
  collection: (_, { data }) => data,
  // These have no scope beyond that for events.
  audit: (_, { data }) => data,
  stream: (_, { data }) => data,
  hook: (_, { data }) => data,
  worker: (caller, { data }) => shownIf(caller.can('tasks:read'), data),
}

export function createShownData(documents: Pick<DocumentService, 'mayHear'>): ShownData {
  return (caller, entry) => {
    if (!documents.mayHear(caller, entry)) return undefined
    const family = ownFamilyOf(entry.type)
    return family === undefined ? entry.data : shownOfFamily[family](caller, entry)
  }
}

function shownIf(isShown: boolean, data: JournalEntry['data']): Shown {
  return isShown ? data : undefined
}
