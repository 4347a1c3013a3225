import { SchemaViolation } from '#domain/documents/errors.ts'
import { prepareSchema, SchemaChecker } from '#domain/documents/schemas/schema-checker.ts'
import type { JsonSchemas } from '#domain/tasks/remote/registered-type.ts'
import { createRemoteWork, type RemoteWorkService } from '#domain/tasks/remote/service.ts'
import type { Priority } from '#domain/tasks/task.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { systemClock } from '#lib/clock.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { AppContext } from './app-context.ts'

interface RemoteWorkParts {
  readonly types: TaskTypes
  readonly metrics: Metrics
  readonly onWaiting: (priority: Priority, due: 'now' | 'later') => void
}

/** What programs of accounts do that claim tasks over the API. */
export function openRemoteWork(
  { config, data, quotas, log, cleanup }: AppContext,
  { types, metrics, onWaiting }: RemoteWorkParts,
): RemoteWorkService {
  const checker = new SchemaChecker()
  cleanup.add(() => checker.close())
  const remoteWork = createRemoteWork({
    ...data,
    sql: data.database,
    types,
    schemas: jsonSchemasOf(checker),
    quotas,
    batchWindow: config.batchWindow,
    clock: systemClock,
    log,
    onWaiting,
    onSettled: (attempt, { kind: outcome }) => {
      const seconds = (Date.now() - attempt.startedAt.getTime()) / 1000
      metrics.countAttempt(attempt, outcome, seconds)
    },
  })
  const unlisten = data.tail.listen((entry) => remoteWork.onJournalEntry(entry))
  cleanup.add(async () => {
    unlisten()
    await remoteWork.stop()
  })
  remoteWork.start()
  return remoteWork
}

/** The schemas of task types are checked like those of collections. */
function jsonSchemasOf(checker: SchemaChecker): JsonSchemas {
  return {
    async mustBeUsable(accountId, schema) {
      await checker.mustBeUsable(accountId, schema)
    },
    async faultOf(accountId, schema, value) {
      try {
        await checker.patientChecks(accountId).check(prepareSchema(schema), value)
        return undefined
      } catch (error) {
        if (error instanceof SchemaViolation) return { path: error.path, reason: error.reason }
        throw error
      }
    },
  }
}
