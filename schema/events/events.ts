import type { EventType } from '#domain/events/catalog.ts'
import type { Event } from '#domain/events/service.ts'
import { eventId } from '#platform/journal/event-id.ts'
import { builder } from '#schema/builder.ts'
import { connectionOf, isContinued, pageSize } from '#schema/pagination.ts'

const EventRef = builder.objectRef<Event>('Event').implement({
  description:
    'Something that happened, written down in the commit that made it so. In a stream, an event of the type `stream.lagged` stands in place of events that were dropped because the subscriber was too slow: `data.skipped` says how many, and they can be read again after its cursor. It is null when retention deleted the events before the subscriber got to them; those are gone. An event of the type `stream.warning` comes first when the subscribed types are probably misspelled: `data.warnings` says why, a sentence each, and other events follow as usual.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', { description: 'Its place; works as `after` on every stream and on `events`.' }),
    id: t.id({
      nullable: true,
      description:
        'The same wherever the event is read or delivered; null for `stream.lagged` and `stream.warning`, which are not in the journal.',
      resolve: ({ position, at }) => position && eventId({ ...position, at }),
    }),
    type: t.exposeString('type', { description: 'In the past tense, such as `task.completed`.' }),
    subject: t.exposeString('subject', { description: 'What it is about, such as `task:<id>`.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When its transaction began.' }),
    actor: t.expose('actor', { type: 'Actor', description: 'Who did it.' }),
    data: t.field({
      type: 'JSON',
      description: 'What is to be known of it; depends on the type.',
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
      'What is probably wrong with `types`, a sentence each: types that the server never writes and that nobody has triggered recently, with the nearest one that it does write.',
    resolve: ({ types }, _args, { caller, events }) => events.warnings(caller, types),
  }),
)

const typesDescription =
  'Exact types, or families such as `task.*`. When absent: all but the very frequent ones, such as `task.log`.'

const EventTypeRef = builder.objectRef<EventType>('EventType').implement({
  description: 'A type of event that the server writes.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Such as `task.completed`; what events have as their `type`.' }),
    description: t.exposeString('description', { description: 'What happened, as a sentence.' }),
    dataSchema: t.field({
      type: 'JSON',
      description: 'The shape of the event’s `data`: JSON Schema 2020-12. Further members may be added.',
      resolve: (type) => type.dataSchema,
    }),
    isFrequent: t.exposeBoolean('isFrequent', {
      description: 'Whether it is left out of lists, subscriptions and webhooks that do not ask for it by name.',
    }),
  }),
})

builder.queryField('eventTypes', (t) =>
  t.field({
    type: [EventTypeRef],
    description: 'All types of events that the server writes, with the shape of their data. Callers publish others.',
    resolve: (_root, _args, { events }) => events.types(),
  }),
)

builder.queryField('events', (t) =>
  t.field({
    type: EventConnection,
    description:
      'What happened, oldest first, for as long as the journal keeps it. Events about tasks, documents, collections, locks, webhooks and access are for callers who may read these.',
    args: {
      types: t.arg.stringList({ description: typesDescription }),
      subject: t.arg.string({ description: 'Only about this, such as `task:<id>`.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
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
    description: 'What happens from now on, or after a cursor: each event once, in commit order.',
    args: {
      types: t.arg.stringList({ description: typesDescription }),
      subject: t.arg.string({ description: 'Only about this, such as `task:<id>`.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    subscribe: (_root, { types, subject, after }, { caller, events }) =>
      events.follow(caller, { types: types ?? undefined, subject: subject ?? undefined }, after ?? undefined),
    resolve: (event) => event,
  }),
)
