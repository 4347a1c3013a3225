import { join } from 'node:path'
import type { ProjectConfig } from '#domain/tasks/config-file.ts'
import { createRunner } from '#domain/tasks/runner/create-runner.ts'
import { createServerId } from '#domain/tasks/runner/server-id.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { startWorker, type Worker } from '#domain/tasks/worker.ts'
import { systemClock } from '#lib/clock.ts'
import { installationId } from '#platform/installation.ts'
import type { Metrics } from '#platform/telemetry/metrics.ts'
import type { Parts } from './parts.ts'

/** What runs tasks in this process. */
export async function openWorker(
  { config, store, quotas, log, opened }: Parts,
  project: ProjectConfig,
  types: TaskTypes,
  metrics: Metrics,
): Promise<Worker> {
  const runner = createRunner({
    types,
    ...(project.file !== undefined && { configFile: project.file }),
    workspacesDir: join(config.dataDir, 'workspaces'),
    serverId: createServerId(await installationId(config.dataDir)),
    egressAllow: config.egressAllow,
    log,
    env: config.env,
  })
  await runner.sweep()
  const worker = await startWorker({
    ...store,
    quotas,
    runner,
    plan: { slots: config.slots, criticalSlots: config.criticalSlots },
    clock: systemClock,
    log,
    onSettled: (attempt, outcome) => {
      const seconds = (Date.now() - attempt.startedAt.getTime()) / 1000
      metrics.runSeconds.observe({ priority: attempt.priority, outcome: outcome.kind }, seconds)
      log.debug({ taskId: attempt.taskId, accountId: attempt.accountId, outcome: outcome.kind }, 'an attempt has ended')
    },
  })
  opened.addBounded(() => worker.stop(config.shutdownTimeoutMs))
  return worker
}
