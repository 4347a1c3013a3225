import { z } from 'zod'
import { Refused } from './refused.ts'

const longestList = 200
/** How far into a list `offset` may point; beyond it, `cursor` leads on. */
const offsetLimit = 10_000
/** The longest wait for a task, in seconds. */
export const longestWaitS = 60

const defaultListSize = 50

/** `operationId` in a path. One that isn't an id names nothing, which is for the operation to say. */
export const taskParams = z.object({
  operationId: z.string().describe('The id that handing in the task answered with.'),
})

/** A whole number in a query. */
export function wholeNumber(min: number, max: number) {
  return z.coerce.number().int().min(min).max(max)
}

/** `limit`, `offset` and `cursor` of a list. */
export const pageQuery = {
  limit: wholeNumber(1, longestList).default(defaultListSize).describe(`How many, 1 to ${longestList}.`),
  offset: wholeNumber(0, offsetLimit)
    .default(0)
    .describe(`How many to leave out first, at most ${offsetLimit}; longer lists are followed by \`cursor\`.`),
  cursor: cursor('Go on behind this place: from the `Link` header of the page before.'),
} as const

/** An opaque place in a list. */
export function cursor(description: string) {
  return z.string().max(512).optional().describe(description)
}

/** @throws {Refused} 400 when a page is asked for in both ways. */
export function oneWayToPage({ offset, cursor }: { offset: number; cursor?: string | undefined }): void {
  if (offset > 0 && cursor !== undefined)
    throw new Refused('MALFORMED_REQUEST', 'Ask for a page by `offset` or by `cursor`, not by both.')
}

/** A moment in a query. */
export function moment(description: string) {
  return z.iso.datetime({ offset: true }).optional().describe(description)
}

/** `Link` to the next page (RFC 8288), with the request's other parameters kept; nothing on the last page. */
export function nextLink(
  { path, query }: { path: string; query: Readonly<Record<string, unknown>> },
  name: string,
  next: string | null,
): Record<string, string> {
  if (next === null) return {}
  const entries = Object.entries(query)
    .filter(([key, value]) => value !== undefined && key !== 'offset' && key !== name)
    .map(([key, value]) => [key, String(value)])
  const parameters = new URLSearchParams([...entries, [name, next]] as [string, string][])
  return { link: `<${path}?${parameters}>; rel="next"` }
}
