import { z } from 'zod'
import { TaskTypesDocument } from '#transport/rest/generated/graphql.ts'
import { defineRoute, json, type Route } from '#transport/rest/route.ts'
import { nameOfPriority } from '#transport/rest/task-report.ts'

const taskType = z
  .object({
    name: z.string().describe('The `type` of its tasks.'),
    description: z.string(),
    priority: z.enum(['critical', 'normal', 'batch']).describe('The default priority of its tasks.'),
    scope: z.string().nullable().describe('What submitting needs beside `tasks:write`; null: nothing.'),
    input: z.record(z.string(), z.unknown()).describe('The JSON Schema (2020-12) of its tasks’ `data`.'),
  })
  .meta({ id: 'TaskType', description: 'A kind of task.' })

export const taskTypeRoutes: readonly Route[] = [
  defineRoute({
    method: 'get',
    path: '/task-types',
    name: 'listTaskTypes',
    tag: 'Tasks',
    summary: 'Lists the task types that the caller may submit or read.',
    answers: { 200: { description: 'All task types.', schema: z.array(taskType) } },
    document: TaskTypesDocument,
    variables: () => ({}),
    answer: ({ taskTypes }) =>
      json(
        200,
        taskTypes.map((type) => ({ ...type, priority: nameOfPriority[type.priority] })),
      ),
  }),
]
