import type { JournalEntry } from '#platform/journal/entry.ts'

/** What is to be told: an event as it leaves, without what must not. */
export interface Message {
  /** The delivery's. */
  readonly id: string
  readonly webhookId: string
  readonly webhookName: string
  readonly event: JournalEntry
  /** The event's data, redacted. */
  readonly data: unknown
  /** Where this installation is reached; undefined: it doesn't know. */
  readonly publicUrl: string | undefined
}

/** What is sent. */
export interface Payload {
  readonly contentType: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

export function json(value: unknown, contentType = 'application/json'): Payload {
  return { contentType, body: JSON.stringify(value) }
}
