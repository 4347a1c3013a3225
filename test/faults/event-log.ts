import type { ServerProcess } from '#test/support/process.ts'
import { ResumedStream } from '#test/support/resumed-log.ts'

interface StreamedEvent {
  readonly cursor: string
  readonly type: string
  readonly subject: string
}

export type EventLog = ResumedStream<StreamedEvent>

const types = ['faults.one', 'task.submitted', 'task.completed', 'task.failed', 'document.*', 'entry.*']

const query =
  'subscription ($after: String, $types: [String!]) { events(after: $after, types: $types) { cursor type subject } }'

/** Follows events from the beginning, resuming behind its last cursor at either server, until it is closed. */
export function openEventLog(servers: readonly ServerProcess[], beginning: string): EventLog {
  return new ResumedStream<StreamedEvent>({
    servers,
    query,
    variables: { types },
    read(data) {
      const event = data['events'] as StreamedEvent
      return event.type === 'stream.lagged' ? 'lagged' : event
    },
    beginning,
  })
}
