import { createDurableAnswers } from '#domain/tasks/durable/answer.ts'
import { createRunner } from '#domain/tasks/runner/create-runner.ts'
import { createServerId } from '#domain/tasks/runner/server-id.ts'
import { representative, type TaskUser } from '#domain/tasks/runner/task-user.ts'
import { locateWorkspaces } from '#domain/tasks/runner/workspace.ts'
import type { RequestHandler } from '#domain/tasks/runner.ts'
import type { TaskService } from '#domain/tasks/service.ts'
import type { GiveSecrets } from '#domain/tasks/task-secrets.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { startWorker, type Worker } from '#domain/tasks/worker.ts'
import { systemClock } from '#lib/clock.ts'
import packageJson from '#package.json' with { type: 'json' }
import { installationId } from '#platform/system/data-directory.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { ProjectConfig } from '#src/project/project-config.ts'
import type { AppContext } from './app-context.ts'
import { taskHost } from './task-types.ts'
import { mustNotOwnDatabase } from './task-user.ts'

const { version } = packageJson

interface WorkerParts {
  readonly project: ProjectConfig
  readonly types: TaskTypes
  /** What answers requests of attempts, by the names of their task types: the services of the domains that contribute them. */
  readonly requestHandlers: ReadonlyMap<string, RequestHandler>
  readonly giveSecrets: GiveSecrets
  readonly tasks: Pick<TaskService, 'submitChild'>
  readonly metrics: Metrics
  readonly taskUser: TaskUser
}

/** What runs tasks in this process. */
export async function openWorker(
  { config, data, quotas, log, cleanup }: AppContext,
  { project, types, requestHandlers, giveSecrets, tasks, metrics, taskUser }: WorkerParts,
): Promise<Worker> {
  await mustNotOwnDatabase(config, taskUser)
  const installation = await installationId(config.dataDir)
  const runner = createRunner({
    types,
    host: taskHost(project, config),
    requestHandlers,
    giveSecrets,
    submitChild: tasks.submitChild,
    partBytes: config.partBytes,
    answerDurable: createDurableAnswers({ transact: data.transact, types, log }),
    workspacesDir: await locateWorkspaces(config.dataDir, representative(taskUser)),
    taskUser,
    serverId: createServerId(installation),
    warmHosts: Math.min(config.warmTaskProcesses, config.slots),
    log,
    env: config.env,
  })
  await runner.sweep()
  const worker = await startWorker({
    ...data,
    quotas,
    runner,
    types,
    plan: { slots: config.slots, criticalSlots: config.criticalSlots, batchWindow: config.batchWindow },
    version,
    embeddedIn: config.databaseUrl === undefined ? installation : undefined,
    leaseMs: config.workerLeaseMs,
    clock: systemClock,
    log,
    onSettled: (attempt, { kind: outcome }) => {
      const seconds = (Date.now() - attempt.startedAt.getTime()) / 1000
      metrics.countAttempt(attempt, outcome, seconds)
      log.debug({ taskId: attempt.taskId, accountId: attempt.accountId, outcome }, 'an attempt has ended')
    },
  })
  cleanup.addUnlimited(() => worker.stop(config.shutdownTimeoutMs).finally(() => runner.close()))
  runner.prepare()
  return worker
}
