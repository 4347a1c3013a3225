/** What GraphQL's answers are sent as (GraphQL over HTTP §4). */
export const modernType = 'application/graphql-response+json'
export const legacyType = 'application/json'
const streamType = 'text/event-stream'

export type JsonType = typeof modernType | typeof legacyType

/** Which kinds of answer a client takes. */
export interface Accepted {
  /** What it would rather have JSON as; undefined when it takes none. */
  readonly json: JsonType | undefined
  /** Whether it takes a stream of events. */
  readonly stream: boolean
}

/**
 * Reads an `Accept` header (RFC 9110 §12.5.1): the highest quality wins, among equals the first. Who doesn't say, or
 * takes anything, gets `application/json`: GraphQL over HTTP §6.4 wants it so for clients of before the newer type.
 */
export function acceptedBy(header: string | undefined): Accepted {
  const ranges = rangesOf(header ?? '*/*').filter(({ quality }) => quality > 0)
  const byQuality = ranges.toSorted((a, b) => b.quality - a.quality)
  const json = byQuality.map(({ type }) => jsonTypes[type]).find((type) => type !== undefined)
  return { json, stream: ranges.some(({ type }) => [streamType, 'text/*', '*/*'].includes(type)) }
}

const jsonTypes: Readonly<Record<string, JsonType>> = {
  [modernType]: modernType,
  [legacyType]: legacyType,
  'application/*': legacyType,
  '*/*': legacyType,
}

function rangesOf(header: string) {
  return header.split(',').flatMap((range) => {
    const [type = '', ...params] = range.split(';').map((part) => part.trim().toLowerCase())
    const values = new Map(params.map((param) => param.split('=', 2) as [string, string]))
    // We write UTF-8 and nothing else.
    if ((values.get('charset') ?? 'utf-8').replaceAll('"', '') !== 'utf-8') return []
    return [{ type, quality: Number(values.get('q') ?? 1) }]
  })
}
