import { z } from 'zod'
import { moment, taskParams } from '#transport/rest/fields.ts'
import { DeleteTaskLogsDocument, TaskLogsDocument } from '#transport/rest/generated/graphql.ts'
import { cursor, linkHeader, listQuery, nextLink } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Logs'

const logLine = z
  .object({
    cursor: z.string().describe('Its place: hand it in as `after` to go on behind it.'),
    timestamp: z.iso.datetime().describe('When it was said.'),
    attempt: z.int().describe('By which attempt.'),
    message: z.string().describe('Without its line end.'),
  })
  .meta({ id: 'LogLine', description: 'One line that a task logged.' })

export const logRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/logs/{operationId}',
    name: 'getTaskLogs',
    tag,
    summary: 'Answers with what a task has logged, in time order.',
    description: 'An empty list says that the task has logged nothing, or nothing more.',
    params: taskParams,
    query: z.object({
      from: moment('Not before.'),
      to: moment('Not after.'),
      after: cursor('Go on behind this line.'),
      limit: listQuery().limit,
    }),
    answers: {
      200: {
        description: 'A page of lines.',
        schema: z.array(logLine),
        headers: linkHeader,
      },
    },
    refusals: [404],
    document: TaskLogsDocument,
    variables: ({ params: { operationId: id }, query: { limit: first, ...rest } }) => ({ id, first, ...rest }),
    answer({ task }, { params: { operationId }, path, query }) {
      const { edges, pageInfo } = found(task, `task ${operationId}`).logs
      const next = nextLink({ path, query }, 'after', pageInfo.hasNextPage ? pageInfo.endCursor : null)
      return json(200, edges.map(toLine), next)
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/logs/{operationId}',
    name: 'deleteTaskLogs',
    tag,
    summary: 'Deletes what a task has logged so far, for good.',
    params: taskParams,
    answers: { 204: { description: 'The log is gone.' } },
    refusals: [404],
    document: DeleteTaskLogsDocument,
    variables: ({ params }) => ({ id: params.operationId }),
    answer: () => ({ status: 204 }),
  }),
]

function toLine({ cursor, node: { at: timestamp, attempt, message } }: LogEdge) {
  return { cursor, timestamp, attempt, message }
}

interface LogEdge {
  readonly cursor: string
  readonly node: { readonly at: string; readonly attempt: number; readonly message: string }
}
