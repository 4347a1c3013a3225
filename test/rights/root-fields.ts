import { randomUUID } from 'node:crypto'
import type { Need, Right } from './need.ts'
import type { Things } from './things.ts'

/** A root field, and how it is called. */
export interface RootField extends Right {
  /** Its arguments. */
  readonly args?: (things: Things) => Record<string, unknown>
}

const input = (make: (things: Things) => Record<string, unknown>) => (things: Things) => ({ input: make(things) })
const inAYear = () => new Date(Date.now() + 365 * 24 * 3_600_000).toISOString()

/** Who may call which root field. A field that is not here fails the test, and so does one that is here for nothing. */
export const rootRights: Readonly<Record<string, Readonly<Record<string, RootField>>>> = {
  Query: {
    applicationToken: { needs: 'access:admin', args: ({ tokenId }) => ({ id: tokenId }) },
    applicationTokens: { needs: 'access:admin' },
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
    events: { needs: 'events:read' },
    lock: { needs: 'entries:read', args: ({ lockName }) => ({ name: lockName }) },
    locks: { needs: 'entries:read' },
    queues: { needs: 'tasks:read' },
    quotas: { needs: 'signed in' },
    rateLimit: { needs: 'signed in' },
    sessions: { needs: 'access:admin', people: 'signed in' },
    task: { needs: 'tasks:read', args: ({ taskId }) => ({ id: taskId }) },
    taskTypes: { needs: 'tasks:read' },
    tasks: { needs: 'tasks:read' },
    team: { needs: 'access:admin', people: 'signed in', args: ({ teamSlug }) => ({ slug: teamSlug }) },
    teams: { needs: 'access:admin', people: 'signed in' },
    user: { needs: 'access:admin', args: ({ email }) => ({ who: email }) },
    users: { needs: 'access:admin' },
    viewer: { needs: 'signed in' },
    webhook: { needs: 'webhooks:admin', args: ({ webhookId }) => ({ id: webhookId }) },
    webhooks: { needs: 'webhooks:admin' },
  },
  Mutation: {
    acquireLock: { needs: 'entries:write', args: input(({ lockName }) => ({ name: lockName, ttlMs: 3_600_000 })) },
    addTeamMember: {
      needs: 'access:admin',
      args: input(({ teamSlug, email }) => ({ slug: teamSlug, who: email, role: 'OWNER' })),
    },
    approveDevice: { needs: 'nobody', people: 'signed in', args: input(({ userCode }) => ({ userCode })) },
    beginDeviceSignIn: { needs: 'anyone', args: input(() => ({ clientName: 'a test' })) },
    beginOidcSignIn: { needs: 'anyone', args: input(() => ({ redirectUri: 'https://example.com/back' })) },
    cancelTask: { needs: 'tasks:write', args: input(({ taskId }) => ({ id: taskId })) },
    checkSession: { needs: 'anyone', args: input(() => ({ accessToken: 'none' })) },
    createApplicationToken: {
      needs: 'access:admin',
      args: input(() => ({ name: 'made by a test', scopes: ['access:admin'] })),
    },
    createCollection: { needs: 'documents:write', args: input(() => ({ path: `new/${randomUUID()}` })) },
    createTeam: { needs: 'access:admin', args: input(() => ({ name: 'New', slug: `new-${randomUUID()}` })) },
    createUser: { needs: 'access:admin', args: input(() => ({ email: `${randomUUID()}@example.com` })) },
    deleteCollection: { needs: 'documents:write', args: input(({ collection }) => ({ path: collection })) },
    deleteDocument: { needs: 'documents:write', args: input(({ documentKey }) => ({ key: documentKey })) },
    deleteEntry: { needs: 'entries:write', args: input(({ entryKey }) => ({ key: entryKey })) },
    createWebhook: {
      needs: 'webhooks:admin',
      args: input(() => ({
        name: 'New',
        url: 'https://nowhere.invalid',
        events: ['nothing.at.all'],
        retry: { maxAttempts: 1 },
      })),
    },
    deleteTaskLogs: { needs: 'tasks:write', args: input(({ taskId }) => ({ id: taskId })) },
    deleteTeam: { needs: 'access:admin', args: input(({ teamSlug }) => ({ slug: teamSlug })) },
    deleteWebhook: { needs: 'webhooks:admin', args: input(({ webhookId }) => ({ id: webhookId })) },
    denyDevice: { needs: 'nobody', people: 'signed in', args: input(({ userCode }) => ({ userCode })) },
    endSessions: { needs: 'access:admin', args: input(({ email }) => ({ who: email })) },
    finishDeviceSignIn: { needs: 'anyone', args: input(() => ({ deviceCode: 'none' })) },
    finishOidcSignIn: { needs: 'anyone', args: input(() => ({ parameters: 'code=none', pending: 'none' })) },
    patchDocument: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, mergePatch: { secret: null } })),
    },
    pinDocumentVersion: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, version: 1 })),
    },
    putDocument: { needs: 'documents:write', args: input(({ documentKey }) => ({ key: documentKey, data: 'taken' })) },
    forceReleaseLock: { needs: 'access:admin', args: input(({ lockName }) => ({ name: lockName })) },
    incrementEntry: { needs: 'entries:write', args: input(({ entryKey }) => ({ key: entryKey })) },
    redeliver: { needs: 'webhooks:admin', args: input(({ deliveryId }) => ({ deliveryId })) },
    refreshSession: { needs: 'anyone', args: input(() => ({ refreshToken: 'none' })) },
    releaseLock: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, fence: 1 })),
    },
    removeTeamMember: {
      needs: 'access:admin',
      args: input(({ teamSlug, email }) => ({ slug: teamSlug, who: email })),
    },
    removeUser: { needs: 'access:admin', args: input(({ email }) => ({ who: email })) },
    restoreDocument: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ key: documentKey, version: 1 })),
    },
    renewLock: {
      needs: 'entries:write',
      args: input(({ lockName }) => ({ name: lockName, fence: 1, ttlMs: 1_000 })),
    },
    retryTask: { needs: 'tasks:write', args: input(({ taskId }) => ({ id: taskId })) },
    revokeApplicationToken: { needs: 'access:admin', args: input(({ tokenId }) => ({ id: tokenId })) },
    rotateApplicationToken: { needs: 'access:admin', args: input(({ tokenId }) => ({ id: tokenId })) },
    setEntry: { needs: 'entries:write', args: input(({ entryKey }) => ({ key: entryKey, value: 'taken' })) },
    rotateWebhookSecret: { needs: 'webhooks:admin', args: input(({ webhookId }) => ({ id: webhookId })) },
    setPassword: {
      needs: 'access:admin',
      args: input(({ email }) => ({ who: email, password: 'a password of a stranger' })),
    },
    signIn: { needs: 'anyone', args: input(() => ({ email: 'nobody@example.com', password: 'none' })) },
    signOut: { needs: 'access:admin', args: input(({ sessionId }) => ({ sessionId })) },
    submitTask: { needs: 'tasks:write', args: input(() => ({ type: 'probe', runAt: inAYear() })) },
    submitTasks: { needs: 'tasks:write', args: input(() => ({ tasks: [{ type: 'probe', runAt: inAYear() }] })) },
    updateCollection: {
      needs: 'documents:write',
      args: input(({ collection }) => ({ path: collection, requireVersion: true })),
    },
    transactEntries: {
      needs: 'entries:write',
      args: input(({ entryKey }) => ({ writes: [{ set: { key: entryKey, value: 'taken' } }] })),
    },
    testWebhook: { needs: 'webhooks:admin', args: input(({ webhookId }) => ({ id: webhookId })) },
    triggerEvent: { needs: 'events:write', args: input(() => ({ type: 'test.right' })) },
    updateTeam: { needs: 'access:admin', args: input(({ teamSlug }) => ({ slug: teamSlug, name: 'Taken' })) },
    updateTeamMember: {
      needs: 'access:admin',
      args: input(({ teamSlug, email }) => ({ slug: teamSlug, who: email, role: 'OWNER' })),
    },
    updateUser: { needs: 'access:admin', args: input(({ email }) => ({ who: email, firstName: 'Taken' })) },
    writeDocuments: {
      needs: 'documents:write',
      args: input(({ documentKey }) => ({ writes: [{ put: { key: documentKey, data: 'taken' } }] })),
    },
    updateWebhook: { needs: 'webhooks:admin', args: input(({ webhookId }) => ({ id: webhookId, name: 'Taken' })) },
  },
  Subscription: {
    deliveryUpdates: { needs: 'webhooks:admin' },
    documentChanges: { needs: 'documents:read', args: () => ({ in: '**' }) },
    entryChanges: { needs: 'entries:read', args: () => ({ prefix: '' }) },
    events: { needs: 'events:read' },
    taskFeed: { needs: 'tasks:read' },
    taskUpdates: { needs: 'tasks:read', args: ({ taskId }) => ({ id: taskId }) },
  },
}

/**
 * Every other object type with all its fields, and what may be asked of whom it is shown to: a root field through which
 * it can be reached needs at least that. Results of mutations, failures and connections add nothing to what they hold.
 */
export const shown: Readonly<Record<string, { readonly needs: Need; readonly fields: string }>> = {
  Account: { needs: 'signed in', fields: 'createdAt id name' },
  Actor: { needs: 'signed in', fields: 'id kind name' },
  ApplicationToken: {
    needs: 'access:admin',
    fields: `calls createdAt createdBy endReason endedBy expiresAt id lastUsedAddress lastUsedAgent lastUsedAt name
      revokedAt scopes status successorId`,
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
  Event: { needs: 'events:read', fields: 'actor at cursor data subject type' },
  FailedEntryCheck: { needs: 'entries:read', fields: 'entry index key' },
  InputIssue: { needs: 'anyone', fields: 'message path' },
  Lock: { needs: 'entries:read', fields: 'acquiredAt expiresAt fence holder name queue' },
  LockWaiter: { needs: 'entries:read', fields: 'actor queuedAt until' },
  PageInfo: { needs: 'anyone', fields: 'endCursor hasNextPage' },
  Percentiles: { needs: 'tasks:read', fields: 'p50 p95 p99' },
  Queue: { needs: 'tasks:read', fields: 'active oldestWaitMs priority run scheduled wait waiting' },
  Quota: { needs: 'signed in', fields: 'limit name used' },
  RateLimit: { needs: 'signed in', fields: 'cost requests' },
  RateLimitState: { needs: 'signed in', fields: 'limit remaining resetMs' },
  Retention: { needs: 'documents:read', fields: 'days kind versions' },
  RetryPolicy: { needs: 'tasks:read', fields: 'backoff delayMs maxAttempts maxDelayMs' },
  Session: {
    needs: 'access:admin',
    fields: 'address createdAt expiresAt id isCurrent lastUsedAt method scopes user userAgent',
  },
  Task: {
    needs: 'tasks:read',
    fields: `attempt attempts cancelReason cancelRequestedAt createdAt createdBy currentStep error fairnessKey finishedAt
      id idempotencyKey input labels lockMs logs part parts priority progress result resultExpired retry runAt startedAt
      status timeoutMs type worker`,
  },
  TaskAttempt: { needs: 'tasks:read', fields: 'error finishedAt number startedAt' },
  TaskError: { needs: 'tasks:read', fields: 'code message retryable stack' },
  TaskLog: { needs: 'tasks:read', fields: 'at attempt message' },
  TaskLogLine: { needs: 'tasks:read', fields: 'at message' },
  TaskPart: {
    needs: 'tasks:read',
    fields: 'attempt bytes complete contentType createdAt name sizeBytes text',
  },
  TaskType: { needs: 'tasks:read', fields: 'description input name priority' },
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
    fields: `concurrency createdAt createdBy document events filter format headers id method name order publicKey
      ratePerSecond redact retry signing statistics status statusReason timeoutMs updatedAt url verifiedAt`,
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
