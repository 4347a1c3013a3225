import { type EventSelection, followEvents, type SignalboxEvent } from '#client/follow-events.ts'
import type { Live } from './live.ts'
import { keyOf, useResource } from './use-resource.ts'

export interface EventsOptions extends EventSelection {
  /** Begin after this cursor; default: with the next event. */
  readonly after?: string | undefined
  /** Events that are held at most: the last ones. Default: 1,000. */
  readonly maxEvents?: number | undefined
  readonly skip?: boolean | undefined
}

const defaultMaxEvents = 1_000

/** What happens in the account: each event once, in commit order, oldest first. */
export function useEvents(options: EventsOptions = {}): Live<readonly SignalboxEvent[]> {
  const { types, subject, after, maxEvents = defaultMaxEvents, skip = false } = options
  const key = skip ? undefined : keyOf('events', types, subject, after, maxEvents)
  const { refresh: _, ...live } = useResource<readonly SignalboxEvent[]>(key, async (sink) => {
    const opened = () => sink.set(sink.data ?? [])
    for await (const event of followEvents(sink.client, { types, subject }, { ...sink.follow(opened), after }))
      sink.set([...(sink.data ?? []), event].slice(-maxEvents))
  })
  return live
}
