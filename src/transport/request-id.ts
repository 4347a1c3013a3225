import { newId } from '#lib/ids.ts'

const wellFormed = /^[A-Za-z0-9._-]{1,128}$/

/** The id under which a request stands in the log: the caller's own when it is well-formed, else a new one. */
export function requestIdOf(header: string | string[] | undefined): string {
  return typeof header === 'string' && wellFormed.test(header) ? header : newId()
}
