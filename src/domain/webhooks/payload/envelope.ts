import type { JournalEntry } from '#platform/journal/entry.ts'
import { eventId } from '#platform/journal/event-id.ts'

/** What every body says of its event beside type, time and data, so that a receiver knows what it is about. */
export function factsOf(event: JournalEntry) {
  const { subject, actor, accountId: account } = event
  return { id: eventId(event), subject, actor: { kind: actor.kind, id: actor.id, name: actor.name }, account }
}

/** The same as headers, for formats whose body belongs to somebody else. They are not signed. */
export function eventHeaders(event: JournalEntry): Record<string, string> {
  const { id, subject, actor, account } = factsOf(event)
  return {
    'webhook-event-id': id,
    'webhook-event-type': event.type,
    'webhook-subject': headerText(subject),
    'webhook-actor': headerText(`${actor.kind}:${actor.id}`),
    'webhook-account': account,
  }
}

/** Blanks, quotes, percent signs and all but visible ASCII are percent-encoded (CloudEvents, HTTP binding §3.1.3.2). */
export function headerText(value: string): string {
  return value.replace(/[^\x21-\x7e]|["%]/gu, (character) => encodeURIComponent(character.toWellFormed()))
}
