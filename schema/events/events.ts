import type { EventType } from '#domain/events/catalog.ts'
import type { Event } from '#domain/events/service.ts'
import { eventId } from '#platform/journal/event-id.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf, isContinued, pageSize } from '#schema/pagination.ts'

const EventRef = builder.objectRef<Event>('Event').implement({
  description:
    'Something that happened, recorded in the same commit as the change. In a stream, an event of the type `stream.lagged` replaces events that were dropped because the subscriber was too slow: `data.skipped` says how many, and they can be read again after its cursor. It is null when the events passed their retention before the subscriber read them; those are lost. An event of the type `stream.warning` comes first when the subscribed types are probably misspelled: `data.warnings` contains one sentence for each, and other events follow as usual.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Its position; pass it as `after` to any stream or to `events`.' }),
    id: t.id({
      nullable: true,
      description:
        'The same wherever the event is read or delivered; null for `stream.lagged` and `stream.warning`, which are not recorded.',
      resolve: ({ position, at }) => position && eventId({ ...position, at }),
    }),
    type: t.exposeString('type', { description: 'The type, such as `task.completed`.' }),
    subject: t.exposeString('subject', { description: 'The subject, such as `task:<id>`.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When its transaction began.' }),
    actor: t.expose('actor', { type: 'Actor', description: 'Who did it.' }),
    data: t.field({
      type: 'JSON',
      description: 'Details, depending on the type; see `eventTypes`.',
      resolve: (event) => event.data,
    }),
  }),
})

interface AskedTypes {
  readonly types: readonly string[] | undefined
}

const EventConnection = connectionOf<Event, AskedTypes>('Event', EventRef)

builder.objectField(EventConnection, 'warnings', (t) =>
  t.stringList({
    description:
      'Likely mistakes in `types`, one sentence each: types that the server never writes and that nobody has published recently, with the closest match.',
    resolve: ({ types }, _args, { caller, events }) => events.warnings(caller, types),
  }),
)

const typesDescription =
  'Exact types, or families such as `task.*`. Default: all except very frequent ones, such as `task.log`.'

const EventTypeRef = builder.objectRef<EventType>('EventType').implement({
  description: 'A type of event that the server writes.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The `type` of the events, such as `task.completed`.' }),
    description: t.exposeString('description', { description: 'What happened, in one sentence.' }),
    dataSchema: t.field({
      type: 'JSON',
      description: 'The JSON Schema (2020-12) of the event’s `data`. Further members may be added.',
      resolve: (type) => type.dataSchema,
    }),
    isFrequent: t.exposeBoolean('isFrequent', {
      description: 'Whether it is left out of lists, subscriptions and webhooks that do not request it by name.',
    }),
  }),
})

builder.queryField('eventTypes', (t) =>
  t.field({
    type: [EventTypeRef],
    description:
      'All types of events that the server writes, with the schema of their data. Callers can publish others.',
    resolve: (_root, _args, { events }) => events.types(),
  }),
)

builder.queryField('events', (t) =>
  t.field({
    type: EventConnection,
    description:
      'Past events, oldest first, within their retention. Events about tasks, documents, collections, locks, webhooks and access need the scopes to read these.',
    args: {
      types: t.arg.stringList({ description: typesDescription }),
      subject: t.arg.string({ description: 'Only this subject, such as `task:<id>`.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
      first: t.arg.int({ description: 'Page size, 1 to 200; default 50.' }),
    },
    resolve: async (_root, { types, subject, after, first }, { caller, events }) => {
      const size = pageSize(first)
      const filter = { types: types ?? undefined, subject: subject ?? undefined }
      const { events: nodes, endCursor, hasMore } = await events.list(caller, filter, after ?? undefined, size)
      return {
        types: filter.types,
        nodes,
        cursors: nodes.map(({ cursor }) => cursor),
        endCursor,
        hasNextPage: hasMore,
        hasPreviousPage: isContinued(after),
      }
    },
  }),
)

builder.subscriptionField('events', (t) =>
  t.field({
    type: EventRef,
    description: 'Events from now on, or after a cursor: each once, in commit order.',
    args: {
      types: t.arg.stringList({ description: typesDescription }),
      subject: t.arg.string({ description: 'Only this subject, such as `task:<id>`.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    subscribe: (_root, { types, subject, after }, { caller, events }) =>
      events.follow(caller, { types: types ?? undefined, subject: subject ?? undefined }, after ?? undefined),
    resolve: (event) => event,
  }),
)
