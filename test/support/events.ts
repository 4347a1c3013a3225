import { graphqlData } from './graphql.ts'
import type { TestServer } from './server.ts'
import { until } from './until.ts'

interface ToldEvent {
  readonly type: string
  readonly actor: { readonly id: string }
  readonly data: Record<string, unknown>
}

/** Events of these types of which that is true, once there are that many: another transaction may hold the last ones back. */
export function toldEvents(
  server: Pick<TestServer, 'url' | 'token'>,
  types: readonly string[],
  isIt: (event: ToldEvent) => boolean,
  count = 1,
): Promise<ToldEvent[]> {
  const query = 'query ($types: [String!]) { events(types: $types, first: 200) { nodes { type actor { id } data } } }'
  return until(async () => {
    const { events } = await graphqlData<{ events: { nodes: ToldEvent[] } }>(server, query, { types })
    const found = events.nodes.filter(isIt)
    return found.length >= count && found
  })
}
