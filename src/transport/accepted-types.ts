import { LRUCache } from 'lru-cache'
import Negotiator from 'negotiator'

/** Everything that is offered is UTF-8, which a client may ask for by name. */
const charset = '; charset=utf-8'

/** Other parameters than quality and charset, such as `indent=2`: no offer has them, and no client insists on them. */
const otherParameter = /;[ \t]*(?!(?:q|charset)=)[^\s;,="]+=(?:"[^"]*"?|[^;,"]*)/gi

/** Clients of one kind send the same header each time. */
const rememberedHeaders = 100
/** What follows in a longer header is ignored: reading it would cost milliseconds. */
const maxHeaderLength = 1_000

/**
 * Reads `Accept` headers (RFC 9110 §12.5.1): the function returns those of the offered media types that a header allows,
 * the client's preferred one first; where it has no preference, in the order of the offer. No header allows all.
 */
export function createNegotiation<Type extends string>(offered: readonly Type[]) {
  const remembered = new LRUCache<string, readonly Type[]>({ max: rememberedHeaders })
  const offers = offered.map((type) => type + charset)

  function allowedBy(header: string): Type[] {
    const negotiator = new Negotiator({ headers: { accept: header.replace(otherParameter, '') } })
    return negotiator.mediaTypes(offers).map((type) => type.slice(0, -charset.length) as Type)
  }

  return (header: string | undefined): readonly Type[] => {
    if (header === undefined || header.trim() === '') return offered
    const start = header.slice(0, maxHeaderLength)
    const allowed = remembered.get(start) ?? allowedBy(start)
    remembered.set(start, allowed)
    return allowed
  }
}
