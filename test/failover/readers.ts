import { setTimeout as sleep } from 'node:timers/promises'
import { graphqlData } from '#test/support/graphql.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Random } from '#test/support/random.ts'
import { type ResumedLog, ResumedPages, ResumedStream } from '#test/support/resumed-log.ts'
import { attempted, type Clientele } from './writers.ts'

const documents = 'query { documents(in: "default", first: 50) { nodes { key version } } }'

/** Asks for documents by a query again and again, which is answered over connections of its own. */
export async function runReader({ servers, ledger, isOver }: Clientele, random: Random): Promise<void> {
  interface Answer {
    readonly documents: { readonly nodes: readonly { readonly key: string; readonly version: number }[] }
  }
  while (!isOver()) {
    await attempted(ledger, async () => {
      const { answer, ...exchange } = await ledger.exchange(() => graphqlData<Answer>(random.pick(servers), documents))
      for (const { key, version } of answer.documents.nodes) ledger.seen.push({ key, version, ...exchange })
    })
    await sleep(100)
  }
}

/** Something in the journal, as a stream or a page shows it. */
export interface StreamedItem {
  readonly cursor: string
  /** What it says, to be compared with what the database has in the end; undefined: only that something happened. */
  readonly says: string | undefined
}

/** A reader of the journal, and which entries it is to be given. */
export interface JournalReader {
  readonly name: string
  readonly log: ResumedLog<StreamedItem>
  /** A condition on rows of `journal`. */
  readonly where: string
  /** What it says of a row, as SQL. */
  readonly says: string
}

const eventTypes = [
  'failover.one',
  'task.submitted',
  'task.started',
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.lost',
  'document.*',
  'entry.*',
  'lock.*',
]
const allEvents = {
  where: `(type = ANY('{${eventTypes}}') OR (type ~ '^(document|entry|lock)\\.'))`,
  says: "type || ' ' || subject",
}
const taskEvents = {
  where: `type ~ '^task\\.' AND type NOT IN ('task.log', 'task.step', 'task.part')`,
  says: 'NULL',
}
const documentEvents = {
  where: `type ~ '^document\\.'`,
  says: `concat_ws(' ', journal.data->>'key', journal.data->>'version', (
    SELECT version.data->>'name' FROM document_history AS version
    WHERE version.key = journal.data->>'key' AND version.version = (journal.data->>'version')::int))`,
}
const entryEvents = {
  where: `type ~ '^entry\\.'`,
  says: "concat_ws(' ', data->>'key', data->>'version', data->>'value')",
}

const eventStream =
  'subscription ($after: String, $types: [String!]) { events(after: $after, types: $types) { cursor type subject } }'
const eventPages =
  'query ($after: String, $types: [String!]) { events(after: $after, types: $types, first: 200) { nodes { cursor type subject } } }'
const taskFeed = 'subscription ($after: String) { taskFeed(after: $after) { cursor kind status taskId } }'
const documentChanges = `subscription ($after: String) {
  documentChanges(in: "**", after: $after) { cursor kind key document { version data } } }`
const entryChanges =
  'subscription ($after: String) { entryChanges(prefix: "", after: $after) { cursor kind key version value } }'

interface ToldEvent {
  readonly cursor: string
  readonly type: string
  readonly subject: string
}

function toItem({ cursor, type, subject }: ToldEvent): StreamedItem {
  return { cursor, says: `${type} ${subject}` }
}

/** Every way to follow the journal, at each of the servers, from a cursor on. */
export function openReaders(servers: readonly ServerProcess[], beginning: string): JournalReader[] {
  return servers.flatMap((server, index) => {
    const stream = (name: string, query: string, read: ReadResult, variables = {}) => ({
      name: `${name} at server ${index}`,
      log: new ResumedStream<StreamedItem>({ servers: [server], query, variables, read, beginning }),
    })
    return [
      { ...allEvents, ...stream('events', eventStream, readEvent, { types: eventTypes }) },
      { ...taskEvents, ...stream('taskFeed', taskFeed, readTask) },
      { ...documentEvents, ...stream('documentChanges', documentChanges, readDocument) },
      { ...entryEvents, ...stream('entryChanges', entryChanges, readEntry) },
      { ...allEvents, name: `pages of events at server ${index}`, log: openPages(server, beginning) },
    ]
  })
}

type ReadResult = (data: Readonly<Record<string, unknown>>) => StreamedItem | 'lagged' | undefined

function readEvent(data: Readonly<Record<string, unknown>>): StreamedItem | 'lagged' {
  const event = data['events'] as ToldEvent
  return event.type === 'stream.lagged' ? 'lagged' : toItem(event)
}

function readTask(data: Readonly<Record<string, unknown>>): StreamedItem | 'lagged' | undefined {
  const { cursor, kind } = data['taskFeed'] as { cursor: string; kind: string }
  if (kind === 'LAGGED') return 'lagged'
  return kind === 'STATUS' ? { cursor, says: undefined } : undefined
}

function readDocument(data: Readonly<Record<string, unknown>>): StreamedItem | 'lagged' {
  const { cursor, kind, key, document } = data['documentChanges'] as {
    cursor: string
    kind: string
    key: string
    document: { version: number; data: { name: string } } | null
  }
  if (kind === 'LAGGED') return 'lagged'
  return { cursor, says: `${key} ${document?.version} ${document?.data.name}` }
}

function readEntry(data: Readonly<Record<string, unknown>>): StreamedItem | 'lagged' {
  const { cursor, kind, key, version, value } = data['entryChanges'] as Record<string, string>
  if (kind === 'LAGGED') return 'lagged'
  return { cursor: cursor ?? '', says: `${key} ${version} ${value}` }
}

function openPages(server: ServerProcess, beginning: string): ResumedPages<StreamedItem> {
  return new ResumedPages<StreamedItem>({
    async readPage(after) {
      const { events } = await graphqlData<{ events: { nodes: ToldEvent[] } }>(server, eventPages, {
        after,
        types: eventTypes,
      })
      return events.nodes.map(toItem)
    },
    beginning,
    pauseMs: 200,
  })
}
