import { z } from 'zod'
import { wholeNumber } from './fields.ts'
import { Refused } from './refused.ts'
import { type Answer, json } from './route.ts'

const maxListLength = 200
/** How far into a list `offset` may point; beyond it, `cursor` leads on. */
const offsetLimit = 10_000

/** The parameters `limit`, with this default, and `offset` of a list. */
export function pageBy(defaultSize: number) {
  return {
    limit: wholeNumber(1, maxListLength).default(defaultSize).describe(`Page size, 1 to ${maxListLength}.`),
    offset: wholeNumber(0, offsetLimit)
      .default(0)
      .describe(`How many items to skip, at most ${offsetLimit}; use \`cursor\` for longer lists.`),
  } as const
}

/** `limit`, `offset` and `cursor` of a list that GraphQL has as a connection. */
export function listQuery(defaultSize = 50) {
  return {
    ...pageBy(defaultSize),
    cursor: cursor('Continue after this cursor, from the `Link` header of the previous page.'),
  } as const
}

/** An opaque place in a list. */
export function cursor(description: string) {
  return z.string().max(4_096).optional().describe(description)
}

interface PageInfo {
  readonly endCursor: string | null
  readonly hasNextPage: boolean
}

/**
 * The cursor behind as many as `offset` leaves out; GraphQL's lists know cursors only, so `pageInfo` asks for pages of
 * which nothing but the end is read. @throws {Refused} 400 when a page is asked for in both ways.
 */
export async function placeOf(
  { offset, cursor }: { readonly offset: number; readonly cursor?: string | undefined },
  pageInfo: (page: { first: number; after: string | null }) => Promise<PageInfo>,
): Promise<string | null> {
  if (offset > 0 && cursor !== undefined)
    throw new Refused('MALFORMED_REQUEST', 'Use either `offset` or `cursor`, not both.')
  let after = cursor ?? null
  for (let left = offset; left > 0; left -= maxListLength) {
    const { endCursor, hasNextPage } = await pageInfo({ first: Math.min(left, maxListLength), after })
    after = endCursor ?? after
    if (!hasNextPage) break
  }
  return after
}

/** What rows with a list say of their headers. */
export const linkHeader = { Link: 'The next page (`rel="next"`); absent on the last one.' }

/** A page of a list, with `Link` to the next one. */
export function answerPage(items: readonly unknown[], { endCursor, hasNextPage }: PageInfo, asked: ListAsked): Answer {
  return json(200, items, nextLink(asked, 'cursor', hasNextPage ? endCursor : null))
}

interface ListAsked {
  readonly path: string
  readonly query: Readonly<Record<string, unknown>>
}

/** `Link` to the next page (RFC 8288), with the request's other parameters kept; nothing on the last page. */
export function nextLink({ path, query }: ListAsked, name: string, next: string | null): Record<string, string> {
  if (next === null) return {}
  const entries = Object.entries(query)
    .filter(([key, value]) => value !== undefined && key !== 'offset' && key !== name)
    .map(([key, value]) => [key, String(value)])
  const parameters = new URLSearchParams([...entries, [name, next]] as [string, string][])
  return { link: `<${path}?${parameters}>; rel="next"` }
}
