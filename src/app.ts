import { createServer } from 'node:http'
import { join } from 'node:path'
import { authEventTypes, quietAuthEventTypes } from '#domain/access/events.ts'
import { type AccessService, createAccessService } from '#domain/access/service.ts'
import { OidcProvider } from '#domain/access/sign-in/oidc-provider.ts'
import { standIn } from '#domain/access/standing-rights.ts'
import { AuditProjection } from '#domain/audit/projection.ts'
import { type AuditService, createAuditService } from '#domain/audit/service.ts'
import { IndexKeeper } from '#domain/documents/indexes/keeper.ts'
import { createDeclaredIndexes } from '#domain/documents/indexes/states.ts'
import { createDocumentQueryService } from '#domain/documents/query/service.ts'
import { applyDocumentRetention } from '#domain/documents/retention.ts'
import { createDocumentService, type DocumentService } from '#domain/documents/service.ts'
import { shownOfEntry } from '#domain/entries/events.ts'
import { createEntryService, type EntryService } from '#domain/entries/service.ts'
import { createEventService } from '#domain/events/service.ts'
import { createHookService, type HookService, hooksOf } from '#domain/hooks/service.ts'
import { forgetOldCounts } from '#domain/limits/retention.ts'
import { createLimitService } from '#domain/limits/service.ts'
import { checkFence, createLockService, type LockService } from '#domain/locks/service.ts'
import { createQuotaService, type QuotaService } from '#domain/quotas/service.ts'
import { loadProjectConfig, loadTaskTypes, type ProjectConfig } from '#domain/tasks/config-file.ts'
import { quietEventTypes } from '#domain/tasks/events.ts'
import { queueNames } from '#domain/tasks/jobs.ts'
import { ProgressBoard } from '#domain/tasks/progress-board.ts'
import { applyTaskRetention } from '#domain/tasks/retention.ts'
import { createRunner } from '#domain/tasks/runner/create-runner.ts'
import { createServerId } from '#domain/tasks/runner/server-id.ts'
import { byPriority, createTaskService } from '#domain/tasks/service.ts'
import { readQueueStates, readRecentFailures } from '#domain/tasks/store/queues.ts'
import { createSubmitter } from '#domain/tasks/submitter.ts'
import type { Priority } from '#domain/tasks/task.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { startWorker, type Worker } from '#domain/tasks/worker.ts'
import { Endpoints } from '#domain/webhooks/endpoints.ts'
import { quietWebhookEventTypes } from '#domain/webhooks/events.ts'
import { applyDeliveryRetention } from '#domain/webhooks/retention.ts'
import type { RunDocument } from '#domain/webhooks/sender.ts'
import { createWebhookService, type WebhookService } from '#domain/webhooks/service.ts'
import { startWebhookWorker } from '#domain/webhooks/worker.ts'
import { systemClock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import { within } from '#lib/within.ts'
import packageJson from '#package.json' with { type: 'json' }
import { AccountViews } from '#platform/database/account-view.ts'
import { openReader } from '#platform/database/bounded-read.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { deleteOldKeys } from '#platform/database/once.ts'
import { DatabaseSession } from '#platform/database/session.ts'
import { createTransact, type Transact } from '#platform/database/transaction.ts'
import { createEgressRule } from '#platform/http/egress.ts'
import { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { closeServer, listen } from '#platform/http/listener.ts'
import { installationId } from '#platform/installation.ts'
import { Journal } from '#platform/journal/journal.ts'
import { addPartitions, continueCounting, dropPartitions } from '#platform/journal/partitions.ts'
import { JournalTail } from '#platform/journal/tail.ts'
import { JournalWake, journalChannel } from '#platform/journal/wake.ts'
import { runPeriodically } from '#platform/periodic.ts'
import { Queue } from '#platform/queue/queue.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { findSecretKey } from '#platform/secrets/secret-key.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { createMetrics, type Metrics } from '#platform/telemetry/metrics.ts'
import { schema } from '#schema/index.ts'
import { loadPersistedOperations } from '#transport/graphql/persisted-operations.ts'
import { checkWebhookDocument } from '#transport/graphql/webhook-document.ts'
import type { HealthSources } from '#transport/rest/health.ts'
import { serveApi } from '#transport/server.ts'
import { audited } from './audited.ts'
import type { Config } from './config.ts'
import type { Place } from './place.ts'
import { auditSealPurpose } from './sealed.ts'

const { version } = packageJson

const progressChannel = 'signalbox_progress'
const retentionIntervalMs = 10 * 60 * 1000
/** How often it is written down how tokens are used. */
const accessRecordIntervalMs = 5_000
/** How often it is written down who was kept from something. */
const incidentIntervalMs = 1_000
/** How often entries and leases are looked for whose time is over. */
const sweepIntervalMs = 500
/** How often it is told who waits here for a lock. */
const lockPresenceIntervalMs = 2_000
/** How often it is added up what accounts use. */
const usageIntervalMs = 5_000
/** How often it is looked for documents whose time has come. */
const expiryIntervalMs = 500
/** How long requests under way may still take once everything else has stopped, in milliseconds. */
const lastRequestsMs = 1_000
/** How long one thing may take to close before the others go on without it, in milliseconds. */
const closeMs = 2_000
const deletedAtOnce = 1_000
/** Left out of what many events are told together, unless asked for by name. */
const quietTypes = [...quietEventTypes, ...quietAuthEventTypes, ...quietWebhookEventTypes]
const dayMs = 24 * 60 * 60 * 1000

export interface App {
  /** Where it listens, such as `http://127.0.0.1:4000`. */
  readonly url: string
  /** Which database it uses, for people. */
  readonly database: string
  readonly taskTypes: number
  /** The owner's token, when this start made it: it is shown this once. */
  readonly ownerToken: string | undefined
  /** What the operator should do something about soon. */
  readonly warnings: readonly string[]
  /** Stops in order: nothing new, what runs ends or goes back to the queue, streams close, the database last. */
  stop(): Promise<void>
}

/**
 * Starts everything that the configuration asks for, at a place that may still be about to open, and closes with it.
 * @throws {StartupError} with a sentence for the operator.
 */
export async function startApp(config: Config, place: Promise<Place>, log: Logger): Promise<App> {
  const opened = new Opened(log)
  opened.addBounded(() => place.then(({ close }) => close(), notOpened))
  try {
    return await start(config, place, log, opened)
  } catch (error) {
    await opened.closeAll()
    throw error
  }
}

/** Nothing has to be closed; whoever waits for the place hears why. */
function notOpened(): void {}

async function start(config: Config, opening: Promise<Place>, log: Logger, opened: Opened): Promise<App> {
  const project = await loadProjectConfig({ file: config.configFile, cwd: config.workingDirectory })
  const types = loadTaskTypes(project, { egressAllow: config.egressAllow })
  const place = await opening

  const metrics = createMetrics()
  const store = await openStore(config, place.databaseUrl, log, opened)
  const { database, transact, queue, journal, board } = store
  const secretKey = await findSecretKey(config.secretKey, config.dataDir)
  const quotas = createQuotaService({ sql: database, quotas: config.quotas, clock: systemClock })
  const access = await openAccess(config, secretKey, store, quotas, log, opened)
  const audit = openAudit(config, secretKey, store, log, opened)
  const locks = openLocks(store, log, opened)
  const entries = openEntries(config, store, quotas, locks, log, opened)

  const webhooks = openWebhooks(config, secretKey, store, quotas, opened)

  let serving = false
  let worker: Worker | undefined
  const onWaiting = (priority: Priority, due: 'now' | 'later') => worker?.dispatcher.expect(priority, due)
  const submitter = createSubmitter({ transact, queue, onWaiting })
  const tasks = createTaskService({
    clock: systemClock,
    sql: database,
    transact,
    queue,
    journal,
    board,
    types,
    submitter,
    quotas,
    onWaiting,
  })
  const documents = createDocumentService({ sql: database, transact, quotas, locks })
  const reader = openReader({
    url: place.databaseUrl,
    poolSize: Math.ceil(config.databasePool / 2),
    onError: (error) => log.debug({ err: error }, 'a database connection broke'),
  })
  opened.add(() => reader.close())
  const documentQueries = createDocumentQueryService({
    sql: database,
    journal,
    read: reader.read,
    declarations: createDeclaredIndexes(database),
  })
  const unlisten = store.tail.listen((entry) => documentQueries.heed(entry))
  opened.add(async () => void unlisten())
  const indexKeeper = new IndexKeeper({ sql: database, url: place.databaseUrl, log })
  opened.add(() => indexKeeper.stop())
  const events = createEventService({
    journal,
    quietTypes,
    securityTypes: authEventTypes,
    shownData: (caller, entry) => (documents.mayHear(caller, entry) ? shownOfEntry(caller, entry) : undefined),
  })

  const hooks = createHookService({
    sql: database,
    transact,
    tasks,
    hooks: hooksOf(project.hooks, config.env),
    log,
  })

  const limits = createLimitService({ pool: database.pool, limits: config.limits, clock: systemClock, log })
  const { persistedOperations: persistedAt } = config
  const persisted = persistedAt === undefined ? undefined : await loadPersistedOperations(persistedAt, schema)
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
    corsOrigins: config.corsOrigins,
    trustedProxies: config.trustedProxies,
    contextOf: (caller, request, whenLeft) => ({
      caller,
      request,
      whenLeft,
      db: views.of(caller.accountId),
      access,
      tasks,
      documents,
      documentQueries,
      events,
      audit,
      quotas,
      entries,
      locks,
      webhooks: webhooks.service,
    }),
    health: {
      ...healthSources(database),
      isServing: () => serving,
    },
    metrics,
    api: config.roles.api,
    graphiql: !config.production,
    publicUrl: config.publicUrl,
    hasProvider: config.oidc !== undefined,
    log,
  })
  observe(
    metrics,
    store,
    audit,
    () => worker,
    () => api.sockets,
  )
  const port = await listen(http, config.host, config.port)
  opened.addBounded(async () => {
    await api.close()
    await closeServer(http, lastRequestsMs)
  })
  if (config.roles.worker) {
    worker = await openWorker(config, project, types, store, quotas, metrics, log, opened)
    const runDocument: RunDocument = async ({ accountId, maker, document }, event) =>
      api.runDocument(await standIn(database, { accountId, ...maker }), document ?? '', event)
    const deliverer = startWebhookWorker({
      ...store,
      ...webhooks,
      sql: database,
      runDocument,
      publicUrl: config.publicUrl,
      workerId: worker.id,
      ...config.webhooks,
      clock: systemClock,
      log,
    })
    opened.addBounded(() => deliverer.stop(config.shutdownTimeoutMs))
  }
  keepRetention(config, store, { access, audit, hooks, entries }, log, opened)
  keepUsage(quotas, log, opened)
  keepExpiry(documents, log, opened)
  // The last thing that can fail: a token that was made is always shown.
  const ownerToken = await access.bootstrap(config.bootstrapToken)
  const warnings = await access.expiryWarnings()
  for (const warning of warnings) log.warn(warning)
  serving = true
  return {
    url: config.publicUrl ?? `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    database: place.database,
    taskTypes: types.list().length,
    ownerToken,
    warnings,
    async stop() {
      serving = false
      http.close()
      // Who waits for a lock is answered before the doors close.
      locks.stop()
      await opened.closeAll()
    },
  }
}

/**
 * What was opened, closed in reverse; a start that fails halfway closes what it had opened. What waits for a database that
 * doesn't answer is left behind after a while, so that closing ends in any case.
 */
class Opened {
  readonly #log: Logger
  readonly #closers: (() => Promise<void>)[] = []

  constructor(log: Logger) {
    this.#log = log
  }

  add(close: () => Promise<void>): void {
    this.addBounded(async () => {
      if (!(await within(closeMs, close()))) this.#log.warn('something did not close in time; going on without it')
    })
  }

  /** Adds what is known to end by itself, however long that takes. */
  addBounded(close: () => Promise<void>): void {
    this.#closers.unshift(close)
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0)) {
      try {
        await close()
      } catch (error) {
        this.#log.error({ err: error }, 'something did not close as it should')
      }
    }
  }
}

/** Everything that stands on the database and that all roles share. */
interface Store {
  readonly database: Database
  readonly session: DatabaseSession
  readonly tail: JournalTail
  readonly journal: Journal
  readonly transact: Transact
  readonly queue: Queue
  readonly board: ProgressBoard
}

async function openStore(config: Config, url: string, log: Logger, opened: Opened): Promise<Store> {
  const onError = (error: Error) => log.debug({ err: error }, 'a database connection broke')
  const database = openDatabase({ url, poolSize: config.databasePool, onError })
  opened.add(() => database.close())
  const tail = new JournalTail({ sql: database, log })
  const session = new DatabaseSession({
    url,
    channels: [journalChannel, progressChannel],
    onNotify: (channel, payload) => (channel === journalChannel ? wake.heard(payload) : board.receive(payload)),
    onConnect: () => tail.hint(),
    log,
  })
  const wake = new JournalWake({ session, tail, origin: newId() })
  const board = new ProgressBoard({ sql: database, log, notify: (text) => session.notify(progressChannel, text) })
  const transact = createTransact(database.pool, (journalGrew) => journalGrew && wake.committed())
  await addPartitions(database, transact)
  await continueCounting(transact)
  await tail.start()
  await session.open()
  opened.add(async () => {
    board.stop()
    wake.stop()
    await tail.stop()
    await session.close()
  })
  const queue = await Queue.start({ database, queues: queueNames, log })
  opened.add(() => queue.stop())
  const journal = new Journal({ sql: database, tail })
  // After the journal, whose streams thus have a step before the board speaks of it.
  tail.listen((entry) => board.heard(entry))
  return { database, session, tail, journal, transact, queue, board }
}

async function openWorker(
  config: Config,
  project: ProjectConfig,
  types: TaskTypes,
  store: Store,
  quotas: QuotaService,
  metrics: Metrics,
  log: Logger,
  opened: Opened,
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

/** Who may do what, kept up to date by what the journal tells of other processes too. */
async function openAccess(
  config: Config,
  secretKey: Uint8Array,
  { database, transact, tail }: Store,
  quotas: QuotaService,
  log: Logger,
  opened: Opened,
): Promise<AccessService> {
  const secrets = new SecretBox(secretKey, config.previousSecretKeys)
  const access = createAccessService({
    database,
    transact,
    secrets,
    clock: systemClock,
    quotas,
    publicUrl: config.publicUrl,
    provider: config.oidc && new OidcProvider(config.oidc, log),
    allowedDomains: config.oidc?.allowedDomains ?? [],
  })
  const unlisten = tail.listen((entry) => access.heed(entry))
  const record = { name: 'access', intervalMs: accessRecordIntervalMs, log, work: () => access.keepRecord() }
  const incidents = { name: 'incidents', intervalMs: incidentIntervalMs, log, work: () => access.tellIncidents() }
  const periodics = [record, incidents].map(runPeriodically)
  opened.add(async () => {
    unlisten()
    for (const periodic of periodics) await periodic.stop()
    await access.stop()
  })
  return access
}

/** Webhooks, their addresses as they are matched and sent to, and the way out. */
function openWebhooks(
  config: Config,
  secretKey: Uint8Array,
  { database, transact, journal, tail }: Store,
  quotas: QuotaService,
  opened: Opened,
): { service: WebhookService; endpoints: Endpoints; outbound: GuardedFetch } {
  const secrets = new SecretBox(secretKey, config.previousSecretKeys)
  const rules = { quietTypes: new Set(quietTypes), securityTypes: new Set<string>(authEventTypes) }
  const endpoints = new Endpoints({ sql: database, secrets, rules })
  const outbound = new GuardedFetch({ egressAllow: config.egressAllow, connections: 100 })
  const service = createWebhookService({
    sql: database,
    transact,
    journal,
    secrets,
    clock: systemClock,
    quotas,
    endpoints,
    outbound,
    target: { mayReach: createEgressRule(config.egressAllow), allowHttp: !config.production },
    origin: config.publicUrl === undefined ? 'signalbox' : new URL(config.publicUrl).host,
    checkDocument: checkWebhookDocument,
  })
  const unlisten = tail.listen((entry) => service.heed(entry))
  opened.add(async () => {
    unlisten()
    await outbound.close()
  })
  return { service, endpoints, outbound }
}

/** The audit log, which every process offers to write. */
function openAudit(
  config: Config,
  secretKey: Uint8Array,
  { database, transact, tail }: Store,
  log: Logger,
  opened: Opened,
): AuditService {
  const seals = new Seals(auditSealPurpose, secretKey, config.previousSecretKeys)
  const projection = new AuditProjection({ transact, seals, log, query: audited })
  const unlisten = tail.listen(() => projection.hint())
  opened.add(async () => {
    unlisten()
    await projection.stop()
  })
  return createAuditService({ sql: database, transact, seals, query: audited })
}

/** Locks, and what looks after them in every process. */
function openLocks({ database, transact, tail }: Store, log: Logger, opened: Opened): LockService {
  const locks = createLockService({ sql: database, transact, log })
  const unlisten = tail.listen((entry) => locks.heed(entry))
  const present = { name: 'lock queues', intervalMs: lockPresenceIntervalMs, log, work: () => locks.keepPresence() }
  const sweep = { name: 'leases', intervalMs: sweepIntervalMs, log, work: () => locks.sweep() }
  const periodics = [present, sweep].map(runPeriodically)
  opened.add(async () => {
    unlisten()
    locks.stop()
    for (const periodic of periodics) await periodic.stop()
  })
  return locks
}

/** Entries, and what lets them expire. */
function openEntries(
  config: Config,
  { database, transact, journal }: Store,
  quotas: QuotaService,
  { heldFences }: LockService,
  log: Logger,
  opened: Opened,
): EntryService {
  const keptVersions = config.entryHistory
  const entries = createEntryService({ sql: database, transact, journal, quotas, heldFences, checkFence, keptVersions })
  const work = () => entries.sweep()
  const sweep = runPeriodically({ name: 'expired entries', intervalMs: sweepIntervalMs, log, work })
  opened.add(() => sweep.stop())
  return entries
}

/** What the health report asks for. */
function healthSources(database: Database): Omit<HealthSources, 'isServing'> {
  return {
    version,
    async database() {
      const [row] = await database.query<{ server_version: string }>('SHOW server_version')
      const { totalCount, idleCount, options } = database.pool
      return { version: row?.server_version ?? 'unknown', active: totalCount - idleCount, max: options.max }
    },
    async queues() {
      const failed = await readRecentFailures(database)
      const states = byPriority(await readQueueStates(database, undefined))
      const facts = (priority: Priority) => {
        const state = states.find((one) => one.priority === priority)
        return { pending: (state?.waiting ?? 0) + (state?.scheduled ?? 0), failed: failed.get(priority) ?? 0 }
      }
      return { critical: facts('CRITICAL'), normal: facts('NORMAL'), batch: facts('BATCH') }
    },
  }
}

function observe(
  metrics: Metrics,
  { database, journal }: Store,
  audit: AuditService,
  worker: () => Worker | undefined,
  sockets: () => number,
): void {
  metrics.observe({
    queueDepth: async () => byPriority(await readQueueStates(database, undefined)),
    subscribers: () => journal.streams,
    sockets,
    journalLagSeconds: () => journal.lagMs / 1000,
    auditLagSeconds: async () => (await audit.lagMs()) / 1000,
    runningTasks: () => worker()?.dispatcher.running ?? 0,
    pool: () => {
      const { totalCount: total, idleCount: idle, waitingCount: waiting } = database.pool
      return { total, idle, waiting }
    },
  })
}

function keepUsage(quotas: QuotaService, log: Logger, opened: Opened): void {
  const periodic = runPeriodically({ name: 'usage', intervalMs: usageIntervalMs, log, work: () => quotas.fold() })
  opened.add(() => periodic.stop())
}

function keepExpiry(documents: DocumentService, log: Logger, opened: Opened): void {
  const work = () => documents.expire()
  const periodic = runPeriodically({ name: 'expiry of documents', intervalMs: expiryIntervalMs, log, work })
  opened.add(() => periodic.stop())
}

/** What has something that is over one day. */
interface Kept {
  readonly access: AccessService
  readonly audit: AuditService
  readonly hooks: HookService
  readonly entries: EntryService
}

function keepRetention(
  config: Config,
  { database, transact }: Store,
  { access, audit, hooks, entries }: Kept,
  log: Logger,
  opened: Opened,
): void {
  const periodic = runPeriodically({
    name: 'retention',
    intervalMs: retentionIntervalMs,
    log,
    async work() {
      await addPartitions(database, transact)
      // What is not in the audit log yet stays, should nobody have been able to write that for days.
      const auditLagDays = Math.ceil((await audit.lagMs()) / dayMs)
      const dropped = await dropPartitions(transact, Math.max(config.retention.journalDays, auditLagDays))
      if (dropped.length > 0) log.info({ dropped }, 'old days of the journal were dropped')
      await applyTaskRetention(database, config.retention)
      await applyDocumentRetention(database)
      await access.maintain()
      await hooks.prune()
      while ((await deleteOldKeys(database, deletedAtOnce)) === deletedAtOnce);
      await applyDeliveryRetention(database, config.retention.deliveryDays)
      await audit.prune(config.retention.auditDays)
      await forgetOldCounts(database)
      // As long as a cursor works, a key goes on with its old versions.
      await entries.forget(config.retention.journalDays)
    },
  })
  opened.add(() => periodic.stop())
}
