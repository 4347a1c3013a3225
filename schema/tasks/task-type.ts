import type { ListedType } from '#domain/tasks/listed-type.ts'
import { builder } from '#schema/builder.ts'
import { PriorityEnum } from './task.ts'

export const TaskTypeRef = builder.objectRef<ListedType>('TaskType').implement({
  description: 'A type of task that can be submitted.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name to pass to `submitTask`.' }),
    description: t.exposeString('description', { description: 'What its tasks do.' }),
    priority: t.expose('priority', { type: PriorityEnum, description: 'The default priority of its tasks.' }),
    scope: t.string({
      nullable: true,
      description: 'A scope that submitting and retrying its tasks needs in addition to `tasks:write`.',
      resolve: ({ scope = null }) => scope,
    }),
    preemptible: t.exposeBoolean('preemptible', {
      description: 'Whether a BATCH attempt may be asked to stop because CRITICAL tasks wait for a slot.',
    }),
    secrets: t.stringList({
      description: 'The names of the secrets that its attempts get; empty when that depends on the input.',
      resolve: ({ secrets }) => [...secrets],
    }),
    isRemote: t.exposeBoolean('isRemote', {
      description: 'Whether it was registered over the API: remote workers run its tasks.',
    }),
    input: t.field({
      type: 'JSON',
      description: 'The JSON Schema (2020-12) of its input.',
      resolve: (type) => type.inputSchema(),
    }),
    resultSchema: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The JSON Schema (2020-12) of its results; null: any.',
      resolve: ({ resultSchema }) => resultSchema,
    }),
  }),
})
