import { useSyncExternalStore } from 'react'
import { type ConnectionState, idleConnection } from './connection.ts'
import { useClient } from './context.ts'
import { resourcesOf } from './resource.ts'

/** How the client and its server stand. After an outage everything that is live goes on by itself, without a gap. */
export function useConnection(): ConnectionState {
  const { connection } = resourcesOf(useClient())
  return useSyncExternalStore(
    connection.subscribe,
    () => connection.state,
    () => idleConnection,
  )
}
