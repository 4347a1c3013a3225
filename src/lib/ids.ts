import { v7 } from 'uuid'

/** A new id: UUID version 7 (RFC 9562 §5.7), so that ids sort by the time they were made. */
export function newId(): string {
  return v7()
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** Whether a text can be an id at all; one that can't names nothing that exists. */
export function isId(text: string): boolean {
  return uuidPattern.test(text)
}
