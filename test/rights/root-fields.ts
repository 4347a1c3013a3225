import { randomUUID } from 'node:crypto'
import type { Things } from '#test/support/things.ts'
import {
  type Audit,
  approvedDevice,
  cancelledTask,
  fenceOf,
  heldEnvironment,
  leasedTask,
  newAccount,
  newWorker,
  otherTeam,
  pastEvent,
  pausedSchedule,
  pausedType,
  refreshToken,
  registeredOrg,
  registration,
  remoteTask,
  salesforceCallback,
  sandbox,
  suspendedAccount,
  taskThatAsks,
} from './audited.ts'
import type { Need, Right } from './need.ts'
import type { Root } from './whole-operation.ts'

/** A root field, and how it is called. */
export interface RootField extends Right {
  /** Its arguments. */
  readonly args?: (things: Things) => Record<string, unknown>
}

interface Mutation extends RootField {
  readonly audit: Audit<Record<string, unknown>>
}

interface RootFields extends Record<Root, Readonly<Record<string, RootField>>> {
  readonly Mutation: Readonly<Record<string, Mutation>>
}

const task = ({ taskId }: Things) => `task:${taskId}`
const document = ({ documentKey }: Things) => `document:default/${documentKey}`
const entry = ({ entryKey }: Things) => `entry:${entryKey}`
const lock = ({ lockName }: Things) => `lock:${lockName}`
const schedule = ({ scheduleId }: Things) => `schedule:${scheduleId}`
const session = ({ sessionId }: Things) => `session:${sessionId}`
const token = ({ tokenId }: Things) => `token:${tokenId}`
const webhook = ({ webhookId }: Things) => `webhook:${webhookId}`
const environment = ({ environmentId }: Things) => `salesforce-environment:${environmentId}`
const secret = ({ secretName }: Things) => `secret:${secretName}`
const environmentLock = ({ environmentId }: Things) => `lock:environment/${environmentId}`
const salesforceOrg = ({ salesforceOrgId }: Things) => `salesforce-org:${salesforceOrgId}`
/** Of an org that the example itself registers. */
const anyOrg = () => 'salesforce-org:'

const input = (make: (things: Things) => Record<string, unknown>) => (things: Things) => ({ input: make(things) })
const inAYear = () => new Date(Date.now() + 365 * 24 * 3_600_000).toISOString()

/** Who may call which root field. A field that is not here fails the test, and so does one that is here for nothing. */
export const rootRights: RootFields = {
  Query: {
    applicationToken: { needs: 'access:admin', people: 'signed in', args: ({ tokenId }) => ({ id: tokenId }) },
    applicationTokens: { needs: 'access:admin', people: 'signed in' },
    auditEntries: { needs: 'audit:read' },
    auditVerification: { needs: 'audit:read' },
    collection: { needs: 'documents:read', args: ({ collection }) => ({ path: collection }) },
    collections: { needs: 'documents:read' },
    deliveries: { needs: 'webhooks:admin' },
    delivery: { needs: 'webhooks:admin', args: ({ deliveryId }) => ({ id: deliveryId }) },
    deviceSignIn: { needs: 'nobody', people: 'signed in', args: ({ userCode }) => ({ userCode }) },
    document: { needs: 'documents:read', args: ({ documentKey }) => ({ key: documentKey }) },
    entries: { needs: 'entries:read' },
    entry: { needs: 'entries:read', args: ({ entryKey }) => ({ key: entryKey }) },
    documentAggregates: { needs: 'documents:read' },
    documents: { needs: 'documents:read' },
    assignedEnvironment: {
      needs: 'salesforce:use',
      args: () => ({ type: 'PR', id: '1', repository: 'acme/shop' }),
    },
    environment: { needs: 'salesforce:use', args: ({ environmentId }) => ({ id: environmentId }) },
    environments: { needs: 'salesforce:use' },
    events: { needs: 'events:read' },
    installationAccounts: { needs: 'installation:admin' },
    lock: { needs: 'entries:read', args: ({ lockName }) => ({ name: lockName }) },
    lockTicket: { needs: 'entries:read', args: ({ lockName }) => ({ name: lockName, id: '1' }) },
    lockTickets: { needs: 'entries:read', args: ({ lockName }) => ({ name: lockName }) },
    locks: { needs: 'entries:read' },
    node: { needs: 'signed in', args: ({ taskId }) => ({ id: taskId }) },
    nodes: { needs: 'signed in', args: ({ taskId }) => ({ ids: [taskId] }) },
    queues: { needs: 'tasks:read' },
    eventTypes: { needs: 'signed in' },
    quotas: { needs: 'signed in' },
    rateLimit: { needs: 'signed in' },
    salesforceOrg: { needs: 'salesforce:use', args: ({ salesforceOrgId }) => ({ org: salesforceOrgId }) },
    salesforceOrgs: { needs: 'salesforce:use' },
    secrets: { needs: 'secrets:read' },
    sessions: { needs: 'access:admin', people: 'signed in' },
    task: { needs: 'tasks:read', args: ({ taskId }) => ({ id: taskId }) },
    taskPauses: { needs: 'tasks:read' },
    taskSchedule: { needs: 'tasks:read', args: ({ scheduleId }) => ({ id: scheduleId }) },
    taskSchedules: { needs: 'tasks:read' },
    taskTypes: { needs: 'tasks:read' },
    taskStats: {
      needs: 'tasks:read',
      args: () => ({ from: new Date(0).toISOString(), to: new Date(60_000).toISOString(), bucketMs: 60_000 }),
    },
    workers: { needs: 'tasks:read' },
    tasks: { needs: 'tasks:read', args: () => ({ first: 2 }) },
    team: { needs: 'access:admin', people: 'signed in', args: ({ teamSlug }) => ({ slug: teamSlug }) },
    teams: { needs: 'access:admin', people: 'signed in' },
    user: { needs: 'access:admin', args: ({ email }) => ({ who: email }) },
    users: { needs: 'access:admin' },
    viewer: { needs: 'signed in' },
    webhook: { needs: 'webhooks:admin', args: ({ webhookId }) => ({ id: webhookId }) },
    webhooks: { needs: 'webhooks:admin' },
  },
  Mutation: {
    approveTask: {
      needs: 'tasks:approve',
      args: input(({ taskId }) => ({ id: taskId })),
      audit: {
        call: async (scene) => ({ input: { id: await taskThatAsks(scene) } }),
        type: 'task.approved',
        subject: () => 'task:',
      },
    },
    rejectTask: {
      needs: 'tasks:approve',
      args: input(({ taskId }) => ({ id: taskId })),
      audit: {
        call: async (scene) => ({ input: { id: await taskThatAsks(scene) } }),
        type: 'task.rejected',
        subject: () => 'task:',
      },
    },
    signalTask: {
      needs: 'tasks:write',
      args: input(({ taskId }) => ({ id: taskId, name: 'ready' })),
      audit: { type: 'task.signalled', subject: task },
    },
    acquireLock: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, ttlMs: 3_600_000 })),
      audit: {
        call: (scene) => input(({ lockName }) => ({ name: `other-${lockName}`, ttlMs: 3_600_000 }))(scene.things),
        type: 'lock.acquired',
        subject: ({ lockName }) => `lock:other-${lockName}`,
      },
    },
    addTeamMember: {
      needs: 'access:admin',
      args: input(({ teamSlug, email }) => ({ slug: teamSlug, who: email, role: 'OWNER' })),
      audit: {
        call: async (scene) => ({ input: { slug: await otherTeam(scene), who: scene.things.email } }),
        type: 'auth.team_member_added',
        subject: () => 'team:',
      },
    },
    approveDevice: {
      needs: 'nobody',
      people: 'signed in',
      args: input(({ userCode }) => ({ userCode })),
      audit: { as: 'person', type: 'auth.device_approved', subject: () => 'device:' },
    },
    beginDeviceSignIn: {
      needs: 'anyone',
      args: input(() => ({ clientName: 'a test' })),
      audit: { as: 'nobody', type: 'auth.device_requested', subject: () => 'device:' },
    },
    acquireEnvironment: {
      needs: 'salesforce:deploy',
      args: input(({ environmentId }) => ({ anyOf: [environmentId], ttlMs: 60_000 })),
      audit: { type: 'lock.acquired', subject: environmentLock },
    },
    assignEnvironment: {
      needs: 'salesforce:deploy',
      args: input(() => ({ type: 'PR', id: '1', repository: 'acme/shop' })),
      audit: { type: 'salesforce.environment_assigned', subject: () => 'salesforce-environment:' },
    },
    createEnvironment: {
      needs: 'salesforce:admin',
      args: input(({ environmentId }) => ({ name: environmentId, category: 'TEST' })),
      audit: { type: 'salesforce.environment_created', subject: () => 'salesforce-environment:' },
    },
    deleteEnvironment: {
      needs: 'salesforce:admin',
      args: input(({ environmentId }) => ({ id: environmentId })),
      audit: { type: 'salesforce.environment_deleted', subject: environment },
    },
    extendEnvironment: {
      needs: 'salesforce:deploy',
      args: input(({ environmentId }) => ({ id: environmentId, fence: 1, ttlMs: 60_000 })),
      audit: {
        call: async (scene) => ({ input: { ...(await heldEnvironment(scene)), ttlMs: 60_000 } }),
        type: 'lock.renewed',
        subject: environmentLock,
      },
    },
    releaseEnvironment: {
      needs: 'salesforce:deploy',
      args: input(({ environmentId }) => ({ id: environmentId, fence: 1 })),
      audit: {
        call: async (scene) => ({ input: await heldEnvironment(scene) }),
        type: 'lock.released',
        subject: environmentLock,
      },
    },
    updateEnvironment: {
      needs: 'salesforce:admin',
      args: input(({ environmentId }) => ({ id: environmentId, description: 'changed' })),
      audit: { type: 'salesforce.environment_updated', subject: environment },
    },
    beginSalesforceLogin: {
      needs: 'salesforce:admin',
      args: input(() => ({ clientId: 'client', redirectUri: 'https://signalbox.test/callback' })),
      audit: { type: 'salesforce.login_started', subject: () => 'salesforce-login:' },
    },
    finishSalesforceLogin: {
      needs: 'anyone',
      args: input(() => ({ parameters: 'code=none&state=none' })),
      audit: {
        call: async (scene) => ({
          input: { parameters: new URLSearchParams(await salesforceCallback(scene)).toString() },
        }),
        type: 'salesforce.org_registered',
        subject: anyOrg,
      },
    },
    openSalesforceOrg: {
      needs: 'salesforce:use',
      args: input(({ salesforceOrgId }) => ({ org: salesforceOrgId })),
      audit: {
        call: async (scene) => ({ input: { org: await registeredOrg(scene) } }),
        type: 'salesforce.org_opened',
        subject: anyOrg,
      },
    },
    pauseTasks: {
      needs: 'tasks:write',
      args: input(() => ({ type: 'never.submitted' })),
      audit: { type: 'task.paused', subject: () => 'task-pause:4:TYPE15:never.submitted' },
    },
    putSecret: {
      needs: 'secrets:write',
      args: input(({ secretName }) => ({ name: secretName, value: 'another' })),
      audit: { type: 'secret.updated', subject: secret },
    },
    registerSalesforceOrg: {
      needs: 'salesforce:admin',
      args: input(() => ({ authUrl: 'force://client::token@nowhere.invalid' })),
      audit: {
        call: (scene) => ({ input: registration(scene) }),
        type: 'salesforce.org_registered',
        subject: anyOrg,
      },
    },
    registerSalesforceSandbox: {
      needs: 'salesforce:admin',
      args: input(({ salesforceOrgId }) => ({ sandboxName: 'dev', production: salesforceOrgId })),
      audit: {
        call: async (scene) => ({ input: await sandbox(scene) }),
        type: 'salesforce.org_registered',
        subject: anyOrg,
      },
    },
    removeSalesforceOrg: {
      needs: 'salesforce:admin',
      args: input(({ salesforceOrgId }) => ({ org: salesforceOrgId })),
      audit: { type: 'salesforce.org_removed', subject: salesforceOrg },
    },
    testSalesforceOrg: {
      needs: 'salesforce:use',
      args: input(({ salesforceOrgId }) => ({ org: salesforceOrgId })),
      audit: { type: 'salesforce.connection_tested', subject: salesforceOrg },
    },
    updateSalesforceOrg: {
      needs: 'salesforce:admin',
      args: input(({ salesforceOrgId }) => ({ org: salesforceOrgId, metadata: { team: 'x' } })),
      audit: { type: 'salesforce.org_updated', subject: salesforceOrg },
    },
    beginOidcSignIn: {
      needs: 'anyone',
      args: input(() => ({ redirectUri: 'https://example.com/back' })),
      audit: { unaudited: 'it writes nothing: what it begins is sealed in its answer' },
    },
    claimTasks: {
      needs: 'tasks:work',
      args: input(() => ({ worker: 'a test', types: ['never.registered'] })),
      audit: {
        call: async (scene) => ({ input: await remoteTask(scene) }),
        type: 'task.started',
        subject: () => 'task:',
      },
    },
    completeTask: {
      needs: 'tasks:work',
      args: input(({ taskId }) => ({ taskId, fence: 1 })),
      audit: {
        call: async (scene) => ({ input: await leasedTask(scene) }),
        type: 'task.completed',
        subject: () => 'task:',
      },
    },
    failTask: {
      needs: 'tasks:work',
      args: input(({ taskId }) => ({ taskId, fence: 1, error: { code: 'FAILED' } })),
      audit: {
        call: async (scene) => ({ input: { ...(await leasedTask(scene)), error: { code: 'FAILED' } } }),
        type: 'task.failed',
        subject: () => 'task:',
      },
    },
    heartbeatTasks: {
      needs: 'tasks:work',
      args: input(() => ({ worker: 'a test', leases: [] })),
      audit: { unaudited: 'it only prolongs what was audited when it began' },
    },
    registerTaskTypes: {
      needs: 'tasks:work',
      args: input(() => ({ types: [{ name: 'registered.type', inputSchema: true }] })),
      audit: { type: 'task.type_registered', subject: () => 'task-type:registered.type' },
    },
    releaseTask: {
      needs: 'tasks:work',
      args: input(({ taskId }) => ({ taskId, fence: 1 })),
      audit: {
        call: async (scene) => ({ input: await leasedTask(scene) }),
        type: 'task.released',
        subject: () => 'task:',
      },
    },
    removeTaskTypes: {
      needs: 'tasks:work',
      args: input(() => ({ names: ['never.registered'] })),
      audit: {
        call: async (scene) => ({ input: { names: [(await remoteTask(scene)).types[0]] } }),
        type: 'task.type_removed',
        subject: () => 'task-type:',
      },
    },
    reportTask: {
      needs: 'tasks:work',
      args: input(({ taskId }) => ({ taskId, fence: 1, logs: ['line'] })),
      audit: { unaudited: 'it is what an attempt says, which is kept with its task' },
    },
    drainWorker: {
      needs: 'tasks:admin',
      args: input(() => ({ id: '1' })),
      audit: {
        call: async (scene) => ({ input: { id: await newWorker(scene) } }),
        type: 'worker.draining',
        subject: () => 'worker:',
      },
    },
    setWorkerSlots: {
      needs: 'tasks:admin',
      args: input(() => ({ id: '1', slots: 2 })),
      audit: {
        call: async (scene) => ({ input: { id: await newWorker(scene), slots: 2 } }),
        type: 'worker.slots_changed',
        subject: () => 'worker:',
      },
    },
    cancelTask: {
      needs: 'tasks:write',
      args: input(({ taskId }) => ({ id: taskId })),
      audit: { type: 'task.cancelled', subject: task },
    },
    checkSession: {
      needs: 'anyone',
      args: input(() => ({ accessToken: 'none' })),
      audit: { unaudited: 'it is a read, of a token instead of by one' },
    },
    createAccount: {
      needs: 'installation:admin',
      args: input(() => ({ name: `new ${randomUUID()}` })),
      audit: { type: 'auth.account_created', subject: () => 'account:', as: 'operator' },
    },
    deleteAccount: {
      needs: 'installation:admin',
      args: input(() => ({ account: 'main', confirm: 'main' })),
      audit: {
        call: async (scene) => {
          const account = await suspendedAccount(scene)
          return { input: { account, confirm: await scene.settled(account) } }
        },
        type: 'auth.account_deleted',
        subject: () => 'account:',
        as: 'operator',
      },
    },
    resumeAccount: {
      needs: 'installation:admin',
      args: input(() => ({ account: 'main' })),
      audit: {
        call: async (scene) => ({ input: { account: await suspendedAccount(scene) } }),
        type: 'auth.account_resumed',
        subject: () => 'account:',
        as: 'operator',
      },
    },
    suspendAccount: {
      needs: 'installation:admin',
      args: input(() => ({ account: 'main' })),
      audit: {
        call: async (scene) => ({ input: { account: await newAccount(scene) } }),
        type: 'auth.account_suspended',
        subject: () => 'account:',
        as: 'operator',
      },
    },
    createApplicationToken: {
      needs: 'access:admin',
      people: 'signed in',
      args: input(() => ({ name: 'made by a test', scopes: ['access:admin'] })),
      audit: { type: 'auth.token_created', subject: () => 'token:' },
    },
    createCollection: {
      needs: 'documents:write',
      args: input(() => ({ path: `new/${randomUUID()}` })),
      audit: { type: 'collection.created', subject: () => 'collection:' },
    },
    createTeam: {
      needs: 'access:admin',
      args: input(() => ({ name: 'New', slug: `new-${randomUUID()}` })),
      audit: { type: 'auth.team_created', subject: () => 'team:' },
    },
    createUser: {
      needs: 'access:admin',
      args: input(() => ({ email: `${randomUUID()}@example.com` })),
      audit: { type: 'auth.user_created', subject: () => 'user:' },
    },
    deleteCollection: {
      needs: 'documents:write',
      args: input(({ collection }) => ({ path: collection })),
      audit: { type: 'collection.deleted', subject: ({ collection }) => `collection:${collection}` },
    },
    deleteDocument: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey })),
      audit: { type: 'document.deleted', subject: document },
    },
    deleteEntry: {
      needs: 'entries:write',
      args: input(({ entryKey }) => ({ key: entryKey })),
      audit: { type: 'entry.deleted', subject: entry },
    },
    createWebhook: {
      needs: 'webhooks:admin',
      args: input(() => ({
        name: 'New',
        url: 'https://nowhere.invalid',
        events: ['nothing.at.all'],
        retry: { maxAttempts: 1 },
      })),
      audit: { type: 'webhook.created', subject: () => 'webhook:' },
    },
    deleteTaskLogs: {
      needs: 'tasks:write',
      args: input(({ taskId }) => ({ id: taskId })),
      audit: { type: 'task.logs_deleted', subject: task },
    },
    deleteTeam: {
      needs: 'access:admin',
      args: input(({ teamSlug }) => ({ slug: teamSlug })),
      audit: { type: 'auth.team_deleted', subject: () => 'team:' },
    },
    deleteSecret: {
      needs: 'secrets:write',
      args: input(({ secretName }) => ({ name: secretName })),
      audit: { type: 'secret.deleted', subject: secret },
    },
    deleteWebhook: {
      needs: 'webhooks:admin',
      args: input(({ webhookId }) => ({ id: webhookId })),
      audit: { type: 'webhook.deleted', subject: webhook },
    },
    denyDevice: {
      needs: 'nobody',
      people: 'signed in',
      args: input(({ userCode }) => ({ userCode })),
      audit: { as: 'person', type: 'auth.device_denied', subject: () => 'device:' },
    },
    endSessions: {
      needs: 'access:admin',
      args: input(({ email }) => ({ who: email })),
      audit: { type: 'auth.session_ended', subject: session },
    },
    exchangeToken: {
      needs: 'anyone',
      args: input(() => ({ subjectToken: 'none' })),
      audit: {
        as: 'nobody',
        call: async (scene) => ({ input: { subjectToken: await scene.ciToken() } }),
        type: 'auth.token_exchanged',
        subject: () => 'token:',
      },
    },
    finishDeviceSignIn: {
      needs: 'anyone',
      args: input(() => ({ deviceCode: 'none' })),
      audit: {
        as: 'nobody',
        call: async (scene) => ({ input: { deviceCode: await approvedDevice(scene) } }),
        type: 'auth.signed_in',
        subject: () => 'session:',
      },
    },
    finishOidcSignIn: {
      needs: 'anyone',
      args: input(() => ({ parameters: 'code=none', pending: 'none' })),
      audit: {
        as: 'nobody',
        call: async ({ finishOidc }) => ({ input: await finishOidc() }),
        type: 'auth.signed_in',
        subject: () => 'session:',
      },
    },
    patchDocument: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, mergePatch: { secret: null } })),
      audit: { type: 'document.updated', subject: document },
    },
    pinDocumentVersion: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, version: 1 })),
      audit: { type: 'document.version_pinned', subject: document },
    },
    putDocument: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, data: 'taken' })),
      audit: { type: 'document.updated', subject: document },
    },
    forceReleaseLock: {
      needs: 'access:admin',
      args: input(({ lockName }) => ({ name: lockName })),
      audit: { type: 'lock.forced', subject: lock },
    },
    incrementEntry: {
      needs: 'entries:write',
      args: input(({ entryKey }) => ({ key: entryKey })),
      audit: {
        call: ({ things }) => ({ input: { key: `count-${things.entryKey}` } }),
        type: 'entry.set',
        subject: ({ entryKey }) => `entry:count-${entryKey}`,
      },
    },
    redeliver: {
      needs: 'webhooks:admin',
      args: input(({ deliveryId }) => ({ deliveryId })),
      audit: {
        call: async (scene) => ({ input: { webhookId: scene.things.webhookId, eventsFrom: await pastEvent(scene) } }),
        type: 'webhook.redelivered',
        subject: webhook,
      },
    },
    refreshSession: {
      needs: 'anyone',
      args: input(() => ({ refreshToken: 'none' })),
      audit: {
        as: 'nobody',
        call: async (scene) => ({ input: { refreshToken: await refreshToken(scene) } }),
        type: 'auth.session_refreshed',
        subject: () => 'session:',
      },
    },
    releaseLock: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, fence: 1 })),
      audit: {
        call: async (scene) => ({ input: { name: scene.things.lockName, fence: await fenceOf(scene) } }),
        type: 'lock.released',
        subject: lock,
      },
    },
    releaseLockTicket: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, id: '1' })),
      audit: {
        call: async (scene) => ({ input: { name: scene.things.lockName, id: String(await fenceOf(scene)) } }),
        type: 'lock.released',
        subject: lock,
      },
    },
    removeTeamMember: {
      needs: 'access:admin',
      args: input(({ teamSlug, email }) => ({ slug: teamSlug, who: email })),
      audit: { type: 'auth.team_member_removed', subject: () => 'team:' },
    },
    removeUser: {
      needs: 'access:admin',
      args: input(({ email }) => ({ who: email })),
      audit: { type: 'auth.user_removed', subject: () => 'user:' },
    },
    requestLock: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, ttlMs: 3_600_000 })),
      audit: {
        call: (scene) => input(({ lockName }) => ({ name: `requested-${lockName}`, ttlMs: 3_600_000 }))(scene.things),
        type: 'lock.acquired',
        subject: ({ lockName }) => `lock:requested-${lockName}`,
      },
    },
    restoreDocument: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, version: 1 })),
      audit: { type: 'document.restored', subject: document },
    },
    renewLock: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, fence: 1, ttlMs: 1_000 })),
      audit: {
        call: async (scene) => ({ input: { name: scene.things.lockName, fence: await fenceOf(scene), ttlMs: 60_000 } }),
        type: 'lock.renewed',
        subject: lock,
      },
    },
    resumeTasks: {
      needs: 'tasks:write',
      args: input(() => ({ type: 'never.submitted' })),
      audit: {
        call: async (scene) => ({ input: { type: await pausedType(scene) } }),
        type: 'task.resumed',
        subject: () => 'task-pause:4:TYPE15:never.submitted',
      },
    },
    createTaskSchedule: {
      needs: 'tasks:write',
      args: input(() => ({ name: 'x', everyMs: 2_000_000_000, task: { type: 'probe' } })),
      audit: { type: 'schedule.created', subject: () => 'schedule:' },
    },
    updateTaskSchedule: {
      needs: 'tasks:write',
      args: input(({ scheduleId }) => ({ id: scheduleId, name: 'renamed' })),
      audit: { type: 'schedule.updated', subject: schedule },
    },
    pauseTaskSchedule: {
      needs: 'tasks:write',
      args: input(({ scheduleId }) => ({ id: scheduleId })),
      audit: { type: 'schedule.paused', subject: schedule },
    },
    resumeTaskSchedule: {
      needs: 'tasks:write',
      args: input(({ scheduleId }) => ({ id: scheduleId })),
      audit: {
        call: async (scene) => ({ input: { id: await pausedSchedule(scene) } }),
        type: 'schedule.resumed',
        subject: schedule,
      },
    },
    runTaskSchedule: {
      needs: 'tasks:write',
      args: input(({ scheduleId }) => ({ id: scheduleId })),
      audit: { type: 'schedule.run', subject: schedule },
    },
    stopTaskSchedule: {
      needs: 'tasks:write',
      args: input(({ scheduleId }) => ({ id: scheduleId })),
      audit: { type: 'schedule.ended', subject: schedule },
    },
    deleteTaskSchedule: {
      needs: 'tasks:write',
      args: input(({ scheduleId }) => ({ id: scheduleId })),
      audit: { type: 'schedule.deleted', subject: schedule },
    },
    retryTask: {
      needs: 'tasks:write',
      args: input(({ taskId }) => ({ id: taskId })),
      audit: {
        call: async (scene) => ({ input: { id: await cancelledTask(scene) } }),
        type: 'task.retried',
        subject: task,
      },
    },
    revokeApplicationToken: {
      needs: 'access:admin',
      args: input(({ tokenId }) => ({ id: tokenId })),
      audit: { type: 'auth.token_revoked', subject: token },
    },
    rotateApplicationToken: {
      needs: 'access:admin',
      args: input(({ tokenId }) => ({ id: tokenId })),
      audit: { type: 'auth.token_rotated', subject: token },
    },
    setEntry: {
      needs: 'entries:write',
      args: input(({ entryKey }) => ({ key: entryKey, value: 'taken' })),
      audit: { type: 'entry.set', subject: entry },
    },
    rotateWebhookSecret: {
      needs: 'webhooks:admin',
      args: input(({ webhookId }) => ({ id: webhookId })),
      audit: { type: 'webhook.secret_rotated', subject: webhook },
    },
    setPassword: {
      needs: 'access:admin',
      args: input(({ email }) => ({ who: email, password: 'a password of a stranger' })),
      audit: { type: 'auth.user_password_set', subject: () => 'user:' },
    },
    signIn: {
      needs: 'anyone',
      args: input(() => ({ email: 'nobody@example.com', password: 'none' })),
      audit: {
        as: 'nobody',
        call: ({ things: { email, password } }) => ({ input: { email, password } }),
        type: 'auth.signed_in',
        subject: () => 'session:',
      },
    },
    signOut: {
      needs: 'access:admin',
      args: input(({ sessionId }) => ({ sessionId })),
      audit: { type: 'auth.session_ended', subject: session },
    },
    submitTask: {
      needs: 'tasks:write',
      args: input(() => ({ type: 'probe', runAt: inAYear() })),
      audit: { type: 'task.submitted', subject: () => 'task:' },
    },
    submitTasks: {
      needs: 'tasks:write',
      args: input(() => ({ tasks: [{ type: 'probe', runAt: inAYear() }] })),
      audit: { type: 'task.submitted', subject: () => 'task:' },
    },
    updateCollection: {
      needs: 'documents:write',
      args: input(({ collection }) => ({ path: collection, requireVersion: true })),
      audit: { type: 'collection.updated', subject: ({ collection }) => `collection:${collection}` },
    },
    transactEntries: {
      needs: 'entries:write',
      args: input(({ entryKey }) => ({ writes: [{ set: { key: entryKey, value: 'taken' } }] })),
      audit: { type: 'entry.set', subject: entry },
    },
    testWebhook: {
      needs: 'webhooks:admin',
      args: input(({ webhookId }) => ({ id: webhookId })),
      audit: { type: 'webhook.ping', subject: webhook },
    },
    triggerEvent: {
      needs: 'events:write',
      args: input(() => ({ type: 'test.right' })),
      audit: { type: 'test.right', subject: () => 'event:' },
    },
    updateTeam: {
      needs: 'access:admin',
      args: input(({ teamSlug }) => ({ slug: teamSlug, name: 'Taken' })),
      audit: { type: 'auth.team_changed', subject: () => 'team:' },
    },
    updateTeamMember: {
      needs: 'access:admin',
      args: input(({ teamSlug, email }) => ({ slug: teamSlug, who: email, role: 'OWNER' })),
      audit: { type: 'auth.team_member_changed', subject: () => 'team:' },
    },
    updateUser: {
      needs: 'access:admin',
      args: input(({ email }) => ({ who: email, firstName: 'Taken' })),
      audit: { type: 'auth.user_changed', subject: () => 'user:' },
    },
    writeDocuments: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ writes: [{ put: { key: documentKey, data: 'taken' } }] })),
      audit: { type: 'document.updated', subject: document },
    },
    updateWebhook: {
      needs: 'webhooks:admin',
      args: input(({ webhookId }) => ({ id: webhookId, name: 'Taken' })),
      audit: { type: 'webhook.updated', subject: webhook },
    },
  },
  Subscription: {
    deliveryUpdates: { needs: 'webhooks:admin' },
    documentChanges: { needs: 'documents:read', args: () => ({ in: '**' }) },
    entryChanges: { needs: 'entries:read', args: () => ({ prefix: '' }) },
    environmentChanges: { needs: 'salesforce:use' },
    events: { needs: 'events:read' },
    taskFeed: { needs: 'tasks:read' },
    taskOffers: {
      needs: 'tasks:work',
      args: () => ({ worker: 'a test', types: ['never.offered'] }),
    },
    taskUpdates: { needs: 'tasks:read', args: ({ taskId }) => ({ id: taskId }) },
  },
}

/**
 * Every other object type with all its fields, and the scopes needed to see it: a root field through which it can be
 * reached needs at least those. Results of mutations, failures and connections add nothing to what they hold.
 */
export const shown: Readonly<Record<string, { readonly needs: Need; readonly fields: string }>> = {
  Account: { needs: 'signed in', fields: 'createdAt id name' },
  Actor: { needs: 'signed in', fields: 'id kind name' },
  ApplicationToken: {
    needs: 'access:admin',
    fields: `calls createdAt createdBy endReason endedBy expiresAt id lastUsedAddress lastUsedAgent lastUsedAt name
      owner revokedAt scopes status successorId`,
  },
  AuditCredential: { needs: 'audit:read', fields: 'id kind' },
  AuditEnd: { needs: 'audit:read', fields: 'hash seq' },
  AuditEntry: {
    needs: 'audit:read',
    fields: `accountId actor address at credential data hash operation outcome previousHash requestId scopes seq subject
      type userAgent`,
  },
  AuditFault: { needs: 'audit:read', fields: 'kind message seq' },
  AuditOperation: { needs: 'audit:read', fields: 'hash name' },
  AuditVerification: { needs: 'audit:read', fields: 'checked cursor end faultCount faults prunedSeq' },
  Collection: {
    needs: 'documents:read',
    fields:
      'createdAt createdBy documentCount log fullTextPaths indexes path requireVersion retention schema updatedAt',
  },
  DeviceSignIn: { needs: 'nobody', fields: 'address clientName createdAt expiresAt scopes userAgent' },
  Document: {
    needs: 'documents:read',
    fields: `collection createdAt createdBy data deleted diff expiresAt history key sizeBytes updatedAt updatedBy version`,
  },
  DocumentAggregates: { needs: 'documents:read', fields: 'groups isTruncated' },
  DocumentGroup: { needs: 'documents:read', fields: 'count numbers value' },
  DocumentIndex: { needs: 'documents:read', fields: 'error path state type' },
  DocumentNumbers: { needs: 'documents:read', fields: 'avg count max min path sum' },
  DocumentChange: {
    needs: 'documents:read',
    fields: 'at collection cursor document key kind previous skipped',
  },
  DocumentLogEntry: { needs: 'documents:read', fields: 'key version' },
  DocumentVersion: { needs: 'documents:read', fields: 'at by deleted pinned sizeBytes version' },
  Entry: {
    needs: 'entries:read',
    fields: 'createdAt expiresAt history key revision sizeBytes updatedAt updatedBy value version',
  },
  EntryChange: {
    needs: 'entries:read',
    fields: 'actor at cursor expiresAt hasValue key kind revision skipped value version',
  },
  EntryVersion: { needs: 'entries:read', fields: 'at by kind revision value version' },
  EntryWritten: { needs: 'entries:read', fields: 'entry key version' },
  Delivery: {
    needs: 'webhooks:admin',
    fields: `attempt attempts createdAt eventAt eventType finishedAt id nextAttemptAt outcome responseStatus status
      subject webhook`,
  },
  DeliveryAttempt: {
    needs: 'webhooks:admin',
    fields: 'at durationMs error number outcome responseBody responseHeaders responseStatus',
  },
  DeliveryUpdate: {
    needs: 'webhooks:admin',
    fields: `at attempt cursor delivery deliveryId durationMs eventType kind outcome responseStatus skipped status
      webhookId`,
  },
  Event: { needs: 'events:read', fields: 'actor at cursor data id subject type' },
  FailedEntryCheck: { needs: 'entries:read', fields: 'entry index key' },
  InputIssue: { needs: 'anyone', fields: 'message path' },
  Lock: { needs: 'entries:read', fields: 'acquiredAt expiresAt fence holder name queue reason' },
  LockTicket: {
    needs: 'entries:read',
    fields: 'acquiredAt actor createdAt expiresAt fence id name position reason status ttlMs',
  },
  LockWaiter: { needs: 'entries:read', fields: 'actor queuedAt reason until' },
  PageInfo: { needs: 'anyone', fields: 'endCursor hasNextPage hasPreviousPage startCursor' },
  Percentiles: { needs: 'tasks:read', fields: 'p50 p95 p99' },
  Queue: { needs: 'tasks:read', fields: 'active oldestWaitMs priority run scheduled wait waiting' },
  Environment: {
    needs: 'salesforce:use',
    fields: `assignment branch category createdAt createdBy description devHubUsername expiresAt id isActive isDefault lease
      metadata name org orgUsername position queue repository tags updatedAt`,
  },
  EnvironmentAssignment: {
    needs: 'salesforce:use',
    fields: 'at branch by domains expiresAt fence id isActive metadata type',
  },
  EnvironmentChange: { needs: 'salesforce:use', fields: 'actor at cursor environment id kind skipped' },
  EnvironmentLease: { needs: 'salesforce:use', fields: 'acquiredAt expiresAt fence holder reason' },
  EnvironmentWaiter: { needs: 'salesforce:use', fields: 'actor queuedAt reason until' },
  EventType: { needs: 'signed in', fields: 'dataSchema description isFrequent name' },
  Quota: { needs: 'signed in', fields: 'limit name used' },
  RateLimit: { needs: 'signed in', fields: 'cost requests' },
  RateLimitState: { needs: 'signed in', fields: 'limit remaining resetMs' },
  Retention: { needs: 'documents:read', fields: 'days kind versions' },
  RetryPolicy: { needs: 'tasks:read', fields: 'backoff delayMs jitter maxAttempts maxDelayMs onWorkerLost retryOn' },
  SalesforceOrg: {
    needs: 'salesforce:use',
    fields: `createdAt createdBy edition expiresAt id instanceName instanceUrl isDefault isDevHub kind metadata method name
      newestApiVersion orgId parentUsername refreshedAt state stateMessage stateSince updatedAt username`,
  },
  Session: {
    needs: 'access:admin',
    fields: 'address createdAt expiresAt id isCurrent lastUsedAt method scopes user userAgent',
  },
  // Only after the right password, which several accounts have in common.
  FirstOwner: { needs: 'installation:admin', fields: 'email id password' },
  DeletedRows: { needs: 'installation:admin', fields: 'count table' },
  InstallationAccount: {
    needs: 'installation:admin',
    fields: 'createdAt deletionStartedAt id name suspendedAt suspensionReason',
  },
  SignInAccount: { needs: 'anyone', fields: 'id name' },
  Task: {
    needs: 'tasks:read',
    fields: `approvals attempt attempts cancelAcknowledgedAt cancelForced cancelReason cancelRequestedAt checkpoint children concurrencyKey createdAt createdBy currentStep
      dependents dependsOn error fairnessKey finishedAt parent parentId singletonKey
      id idempotencyKey input labels lockMs logs part parts priority progress rank result resultExpired retry runAt schedule
      scheduledFor startedAt status steps timeoutMs type waiting worker`,
  },
  TaskAttempt: { needs: 'tasks:read', fields: 'checkpoint error finishedAt number startedAt status worker workerId' },
  TaskError: { needs: 'tasks:read', fields: 'code message retryAfterMs retryable stack' },
  TaskLog: { needs: 'tasks:read', fields: 'at attempt message' },
  TaskLogLine: { needs: 'tasks:read', fields: 'at message' },
  TaskPart: {
    needs: 'tasks:read',
    fields: 'attempt bytes complete contentType createdAt name sha256 sizeBytes text',
  },
  TaskDependency: { needs: 'tasks:read', fields: 'onFailure status task taskId' },
  Secret: { needs: 'secrets:read', fields: 'createdAt createdBy lastUsedAt name updatedAt updatedBy' },
  TaskType: {
    needs: 'tasks:read',
    fields: 'description input isRemote name preemptible priority resultSchema scope secrets',
  },
  LeasedTask: { needs: 'tasks:work', fields: 'id input labels priority timeoutMs type' },
  RegisteredTaskType: { needs: 'tasks:work', fields: 'changed name' },
  TaskStats: {
    needs: 'tasks:read',
    fields: 'active buckets cancelled completed failed oldestWaitMs partial run scheduled wait waiting',
  },
  TaskStatsBucket: { needs: 'tasks:read', fields: 'cancelled completed failed from run wait' },
  Worker: {
    needs: 'tasks:read',
    fields: 'drainedAt drainingAt id isRemote lastSeenAt name running slots startedAt types version',
  },
  TaskLease: { needs: 'tasks:work', fields: 'attempt checkpoint fence leaseUntil task' },
  TaskLeaseState: { needs: 'tasks:work', fields: 'cancelRequested leaseUntil lost taskId' },
  TaskApproval: {
    needs: 'tasks:read',
    fields: 'comment decidedAt decidedBy expiresAt maySubmitterDecide name requestedAt status',
  },
  TaskStep: { needs: 'tasks:read', fields: 'attempt finishedAt name sizeBytes startedAt' },
  TaskPause: { needs: 'tasks:read', fields: 'kind pausedAt pausedBy reason value' },
  TaskSchedule: {
    needs: 'tasks:read',
    fields: `createdAt createdBy cron endAt endedAt everyMs id maker maxRuns missed name nextRunAt nextRuns overlap rrule runCount
      runs startAt status statusReason task timeZone type updatedAt waitingRuns`,
  },
  TaskWaiting: { needs: 'tasks:read', fields: 'ahead message reason since' },
  TaskUpdate: {
    needs: 'tasks:read',
    fields: 'at attempt cursor kind log part progress skipped status step task taskId',
  },
  Team: { needs: 'access:admin', fields: 'createdAt description id member memberCount members name slug' },
  TeamMember: { needs: 'access:admin', fields: 'joinedAt role team user' },
  UnfitDocument: { needs: 'documents:read', fields: 'key path reason version' },
  User: {
    needs: 'access:admin',
    fields: 'createdAt email firstName id lastName lastSignInAt memberships removedAt role',
  },
  Viewer: { needs: 'signed in', fields: 'account id kind name role scopes tokenExpiresAt' },
  WriteRefusal: { needs: 'documents:read', fields: 'by code currentVersion index message' },
  Webhook: {
    needs: 'webhooks:admin',
    fields: `concurrency createdAt createdBy document eventWarnings events filter format headers id maker method name order publicKey
      ratePerSecond redact retry signing statistics status statusReason timeoutMs updatedAt url verifiedAt`,
  },
  WebhookMaker: {
    needs: 'webhooks:admin',
    fields: 'actor scopes',
  },
  WebhookRetry: {
    needs: 'webhooks:admin',
    fields: 'backoff delayMs maxAttempts maxDelayMs scheduleMs statusCodes',
  },
  WebhookStatistics: {
    needs: 'webhooks:admin',
    fields: `attempts averageMs delivered failedAttempts failuresInARow lastDeliveryAt lastFailureAt undelivered
      waiting`,
  },
}
