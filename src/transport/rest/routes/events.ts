import { z } from 'zod'
import { EventsDocument } from '#transport/rest/generated/graphql.ts'
import { answerPage, cursor, linkHeader, pageBy } from '#transport/rest/paging.ts'
import { type Answer, defineRoute, type Route } from '#transport/rest/route.ts'

const event = z
  .object({
    cursor: z.string().describe('Send it as `cursor` to continue after this event.'),
    id: z.string().nullable(),
    type: z.string().describe('The type, such as `task.completed`.'),
    subject: z.string().describe('The subject, such as `task:<id>`.'),
    at: z.iso.datetime(),
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    data: z.unknown().describe('Its content depends on the type.'),
  })
  .meta({ id: 'Event', description: 'Something that happened.' })

const warningHeader = {
  Warning:
    'Present when a `type` is probably misspelled: the server never writes it, and nobody has triggered it recently.',
}

export const eventRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/events',
    name: 'listEvents',
    tag: 'Events',
    summary: 'Lists events, oldest first, within their retention.',
    description:
      'To follow events, repeat the request with the `cursor` of the last one; the subscription `events` at `/graphql` pushes them.',
    query: z.object({
      type: z
        .array(z.string())
        .optional()
        .describe(
          'Only these types or families, such as `task.completed` or `task.*`. By default all except very frequent ones.',
        ),
      subject: z.string().optional().describe('Only this subject, such as `task:<id>`.'),
      limit: pageBy(50).limit,
      cursor: cursor('Continue after this event: its `cursor`.'),
    }),
    answers: {
      200: { description: 'A page of events.', schema: z.array(event), headers: { ...linkHeader, ...warningHeader } },
    },
    refusals: [410],
    document: EventsDocument,
    names: { types: 'type' },
    variables: ({ query: { type = null, subject = null, limit, cursor = null } }) => ({
      types: type,
      subject,
      first: limit,
      after: cursor,
    }),
    answer: ({ events: { nodes, pageInfo, warnings } }, asked) =>
      withWarnings(answerPage(nodes, pageInfo, asked), warnings),
  }),
]

/** Types are ASCII, and so are the sentences about them. */
function withWarnings(answer: Answer, warnings: readonly string[]): Answer {
  if (warnings.length === 0) return answer
  const warning = warnings.map((text) => `299 - ${JSON.stringify(text)}`).join(', ')
  return { ...answer, headers: { ...answer.headers, warning } }
}
