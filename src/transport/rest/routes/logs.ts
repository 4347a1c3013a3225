import { z } from 'zod'
import { moment, taskParams } from '#transport/rest/fields.ts'
import { DeleteTaskLogsDocument, TaskLogsDocument } from '#transport/rest/generated/graphql.ts'
import { cursor, linkHeader, listQuery, nextLink } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'

const tag = 'Logs'

const logLine = z
  .object({
    cursor: z.string().describe('Send it as `after` to continue after this line.'),
    timestamp: z.iso.datetime().describe('When it was logged.'),
    attempt: z.int().describe('The attempt that logged it, from 1.'),
    message: z.string().describe('The line without its line ending.'),
  })
  .meta({ id: 'LogLine', description: 'One line that a task logged.' })

export const logRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/logs/{operationId}',
    name: 'getTaskLogs',
    tag,
    summary: 'Returns the log of a task in time order.',
    description: 'An empty list means that the task has logged nothing, or nothing after `after`.',
    params: taskParams,
    query: z.object({
      from: moment('Not before.'),
      to: moment('Not after.'),
      after: cursor('Continue after this line.'),
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
    summary: 'Permanently deletes what a task has logged so far.',
    params: taskParams,
    answers: { 204: { description: 'The log was deleted.' } },
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
