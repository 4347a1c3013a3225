import { createServer } from 'node:http'
import { authEventTypes } from '#domain/access/events.ts'
import { lookUpToken } from '#domain/access/owner-token.ts'
import { createEnvironmentService } from '#domain/environments/service.ts'
import { createEventService } from '#domain/events/service.ts'
import { createLimitService } from '#domain/limits/service.ts'
import { createQuotaService } from '#domain/quotas/service.ts'
import { salesforceTypeNames } from '#domain/salesforce/tasks/task-types.ts'
import { createSecretService } from '#domain/secrets/service.ts'
import { createTaskService } from '#domain/tasks/service.ts'
import { createSubmitter } from '#domain/tasks/submitter.ts'
import type { Priority } from '#domain/tasks/task.ts'
import type { Worker } from '#domain/tasks/worker.ts'
import { createEventWarnings } from '#domain/webhooks/event-warnings.ts'
import type { WebhookWorker } from '#domain/webhooks/worker.ts'
import { systemClock } from '#lib/clock.ts'
import { FilterEvaluator } from '#lib/filter/filter-evaluator.ts'
import { AccountViews } from '#platform/database/account-view.ts'
import { closeServer, listen } from '#platform/http/listener.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { findSecretKey } from '#platform/secrets/secret-key.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { createMetrics } from '#platform/telemetry/metrics.ts'
import { serveApi } from '#transport/server.ts'
import { openAccess } from './app/access.ts'
import type { AppContext } from './app/app-context.ts'
import { openAudit } from './app/audit.ts'
import { CleanupStack } from './app/cleanup.ts'
import { openDataLayer } from './app/data-layer.ts'
import { openDocuments } from './app/documents.ts'
import { openEntries, openLocks } from './app/entries.ts'
import { eventCatalog } from './app/event-catalog.ts'
import { openHooks } from './app/hooks.ts'
import { startJobRecovery } from './app/job-recovery.ts'
import { startRetention, startUsageCounting } from './app/maintenance.ts'
import { healthSources, observe } from './app/observation.ts'
import { findPersistedOperations } from './app/persisted-operations.ts'
import { openRemoteWork } from './app/remote-work.ts'
import { openSalesforce } from './app/salesforce.ts'
import { openSchedules } from './app/schedules.ts'
import { findTaskUser } from './app/task-user.ts'
import { createMayNameSubject, createShownData } from './app/visibility.ts'
import { openDeliverer, openWebhooks } from './app/webhooks.ts'
import { openWorker } from './app/worker.ts'
import type { Config } from './config.ts'
import type { Installation } from './installation.ts'
import { loadProject } from './project.ts'

/** How long requests under way may still take once everything else has stopped, in milliseconds. */
const lastRequestsMs = 1_000

export interface App {
  /** Where it listens, such as `http://127.0.0.1:4000`. */
  readonly url: string
  /** Which database it uses, for people. */
  readonly database: string
  readonly taskTypes: number
  /** The owner's token, when this start made it: it is shown this once. */
  readonly ownerToken: string | undefined
  /** Whether a text is a valid application token. */
  isValidToken(text: string): Promise<boolean>
  /** What the operator should do something about soon. */
  readonly warnings: readonly string[]
  /** Stops in order: nothing new, what runs ends or goes back to the queue, streams close, the database last. */
  stop(): Promise<void>
}

/**
 * Starts everything that the configuration asks for, in an installation that may still be opening, and closes that with it.
 * @throws {StartupError} with a sentence for the operator.
 */
export async function startApp(config: Config, installation: Promise<Installation>, log: Logger): Promise<App> {
  const cleanup = new CleanupStack(log)
  cleanup.addUnlimited(() => installation.then(({ close }) => close(), notOpened))
  try {
    return await start(config, installation, log, cleanup)
  } catch (error) {
    await cleanup.run()
    throw error
  }
}

/** Nothing has to be closed; what waits for the installation reports the failure. */
function notOpened(): void {}

async function start(config: Config, opening: Promise<Installation>, log: Logger, cleanup: CleanupStack): Promise<App> {
  const { file: project, types, hooks: configuredHooks } = await loadProject(config)
  const persisted = await findPersistedOperations(config)
  const tasksAs = config.roles.worker ? await findTaskUser(config, project) : undefined
  const installation = await opening

  const metrics = createMetrics()
  const data = await openDataLayer(config, installation.databaseUrl, {
    log,
    cleanup,
    onJournaled: metrics.domains.countJournaled,
  })
  const { database, transact, queue, journal, board } = data
  const secretKey = await findSecretKey(config.secretKey, config.dataDir)
  const quotas = createQuotaService({
    sql: database,
    quotas: config.quotas,
    clock: systemClock,
    flushJournalUsage: () => data.journalUsage.flush(),
  })
  const context: AppContext = { config, data, secretKey, quotas, log, cleanup }
  const audit = openAudit(context, (entries) => metrics.domains.auditEntries.inc(entries))
  const access = await openAccess(context, audit, project.trust)
  const locks = openLocks(context)
  const entries = openEntries(context, locks)
  const filters = new FilterEvaluator()
  const { documents, documentQueries } = openDocuments(context, installation.databaseUrl, locks, filters)
  const shownData = createShownData(documents)
  const mayNameSubject = createMayNameSubject(documents)
  const salesforce = openSalesforce(context)
  const box = new SecretBox(secretKey, config.previousSecretKeys)
  const secrets = createSecretService({ sql: database, transact, box })
  const environments = createEnvironmentService({ sql: database, transact, journal, locks })
  const webhooks = openWebhooks(context, eventCatalog.frequent, filters, { shownData, mayNameSubject })

  let serving = false
  let worker: Worker | undefined
  let deliverer: WebhookWorker | undefined
  const onWaiting = (priority: Priority, due: 'now' | 'later') => worker?.dispatcher.expect(priority, due)
  const submitter = createSubmitter({ transact, queue, onWaiting })
  const remoteWork = openRemoteWork(context, { types, metrics, onWaiting })
  const tasks = createTaskService({
    clock: systemClock,
    batchWindow: config.batchWindow,
    sql: database,
    transact,
    queue,
    journal,
    board,
    types,
    registered: remoteWork.registered,
    submitter,
    quotas,
    onWaiting,
  })
  const events = createEventService({
    journal,
    quietTypes: eventCatalog.frequent,
    describeTypes: () => eventCatalog.describe(),
    securityTypes: authEventTypes,
    typeWarnings: createEventWarnings(eventCatalog.names),
    shownData,
  })

  const hooks = openHooks(context, tasks, configuredHooks)
  const schedules = openSchedules(context, { types, registered: remoteWork.registered, submitter })

  const limits = createLimitService({ pool: database.pool, limits: config.limits, clock: systemClock, log })
  const views = new AccountViews(database.prisma)
  const http = createServer()
  const api = serveApi({
    http,
    access,
    hooks,
    limits,
    documentLimits: config.documentLimits,
    persisted,
    bodyBytes: config.bodyBytes,
    anonymousBodyBytes: config.anonymousBodyBytes,
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    contextOf: (caller, request, whenLeft) => ({
      caller,
      request,
      whenLeft,
      db: views.of(caller.accountId),
      access,
      tasks,
      schedules,
      remoteWork,
      documents,
      documentQueries,
      events,
      audit,
      quotas,
      entries,
      locks,
      webhooks: webhooks.service,
      salesforce,
      environments,
      secrets,
    }),
    health: {
      ...healthSources(data, tasks),
      isServing: () => serving,
    },
    metrics,
    api: config.roles.api,
    graphiql: !config.production,
    publicUrl: config.publicUrl,
    instance: config.instance,
    hasProvider: config.oidc !== undefined,
    log,
  })
  observe(metrics, data, {
    audit,
    tasks,
    webhooks: webhooks.service,
    worker: () => worker,
    deliverer: () => deliverer,
    sockets: () => api.sockets,
  })
  const port = await listen(http, config.host, config.port)
  cleanup.addUnlimited(async () => {
    await api.close()
    await closeServer(http, lastRequestsMs)
  })
  if (tasksAs !== undefined) {
    worker = await openWorker(context, {
      project,
      types,
      tasks,
      requestHandlers: new Map(salesforceTypeNames.map((name) => [name, salesforce.answerAttempt])),
      giveSecrets: secrets.give,
      metrics,
      taskUser: tasksAs.taskUser,
    })
    deliverer = openDeliverer(context, webhooks, {
      worker,
      runDocument: api.runDocument,
      metrics: metrics.domains,
    })
  }
  startRetention(context, { access, audit, hooks, entries })
  startUsageCounting(context)
  startJobRecovery(context, types)
  // The last step that can fail, so that a token that was created is always shown.
  const ownerToken = await access.bootstrap(config.bootstrapToken)
  const warnings = [...config.warnings, ...(tasksAs?.warnings ?? []), ...(await access.expiryWarnings())]
  for (const warning of warnings) log.warn(warning)
  serving = true
  return {
    url: config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    database: installation.database,
    taskTypes: types.list().length,
    ownerToken,
    isValidToken: async (text) => (await lookUpToken(database, text))?.isValid ?? false,
    warnings,
    async stop() {
      serving = false
      http.close()
      // Callers that wait for a lock get an answer before their connections close.
      locks.stop()
      await remoteWork.stop()
      await cleanup.run()
    },
  }
}
