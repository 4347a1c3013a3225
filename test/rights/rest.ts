import type { Things } from '#test/support/things.ts'
import {
  type Audit,
  approvedDevice,
  cancelledTask,
  fenceOf,
  githubPush,
  heldEnvironment,
  hookSecrets,
  leasedTask,
  otherTeam,
  refreshToken,
  registeredOrg,
  remoteTask,
  type Scene,
  salesforceCallback,
  sandbox,
  sfdxAuthUrl,
  taskThatAsks,
} from './audited.ts'
import type { Right } from './need.ts'

/** How a row is called, where not as the example of its right says. */
export interface RestCall {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A row of REST, and how it is called. */
export interface RestRight extends Right {
  /** What stands for the parameters of its path. */
  readonly params?: (things: Things) => Readonly<Record<string, string>>
  readonly query?: (things: Things) => Readonly<Record<string, string>>
  readonly body?: (things: Things) => unknown
  /** What its path names need not be there: it makes it, or finds nothing in it. */
  readonly anyName?: boolean
  /** Of each row that does more than read. */
  readonly audit?: Audit<RestCall>
}

const operationId = { params: ({ taskId }: Things) => ({ operationId: taskId }) }
const email = { params: (things: Things) => ({ email: things.email }) }
const slug = { params: ({ teamSlug }: Things) => ({ slug: teamSlug }) }
const entryKey = { params: (things: Things) => ({ key: things.entryKey }) }
const member = { params: ({ teamSlug, email }: Things) => ({ slug: teamSlug, email }) }
const webhook = { params: ({ webhookId }: Things) => ({ id: webhookId }) }
const lockParams = { params: ({ lockName }: Things) => ({ name: lockName }) }
/** The repository and the resource that together are the lock's name. */
function placeOf({ lockName }: Things) {
  const end = lockName.lastIndexOf('/')
  return { repository: end < 0 ? 'none' : lockName.slice(0, end), resource: lockName.slice(end + 1) }
}
const lockPlace = { params: placeOf }
const lock = ({ lockName }: Things) => `lock:${lockName}`
const task = ({ taskId }: Things) => `task:${taskId}`
const schedule = ({ scheduleId }: Things) => `schedule:${scheduleId}`
const document = ({ documentKey }: Things) => `document:default/${documentKey}`
const entry = (things: Things) => `entry:${things.entryKey}`
const session = ({ sessionId }: Things) => `session:${sessionId}`
const token = ({ tokenId }: Things) => `token:${tokenId}`
const webhookSubject = ({ webhookId }: Things) => `webhook:${webhookId}`
const orgQuery = { query: ({ salesforceOrgId }: Things) => ({ username: salesforceOrgId }) }
const environmentLock = ({ environmentId }: Things) => `lock:environment/${environmentId}`
const salesforceOrg = ({ salesforceOrgId }: Things) => `salesforce-org:${salesforceOrgId}`
/** Of an org that the example itself registers. */
const anyOrg = () => 'salesforce-org:'
const inAYear = () => new Date(Date.now() + 365 * 24 * 3_600_000).toISOString()

/** A call about a lease of the caller's own. */
async function ofLease(scene: Scene, more: object = {}): Promise<RestCall> {
  const { taskId, fence } = await leasedTask(scene)
  return { params: { taskId }, body: { fence, ...more } }
}

const exchangeBody = (token: string) => ({
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  subject_token: token,
})

/** Who may call which documented path. One that is not here fails the test, and so does one that is here for nothing. */
export const restRights: Readonly<Record<string, RestRight>> = {
  'GET /.well-known/jwks.json': { needs: 'anyone' },
  'GET /': { needs: 'anyone' },
  'GET /api': { needs: 'anyone' },
  'GET /api/application-tokens': { needs: 'access:admin', people: 'signed in' },
  'POST /api/application-tokens': {
    needs: 'access:admin',
    people: 'signed in',
    body: () => ({ name: 'x', scopes: ['tasks:read'] }),
    audit: { type: 'auth.token_created', subject: () => 'token:' },
  },
  'POST /api/application-tokens/{id}/rotate': {
    needs: 'access:admin',
    params: ({ tokenId }) => ({ id: tokenId }),
    audit: { type: 'auth.token_rotated', subject: token },
  },
  'DELETE /api/application-tokens/{token}': {
    needs: 'access:admin',
    params: ({ tokenId }) => ({ token: tokenId }),
    audit: { type: 'auth.token_revoked', subject: token },
  },
  'GET /api/audit': { needs: 'audit:read' },
  'POST /api/auth/admin/login': {
    needs: 'anyone',
    body: () => ({ email: 'nobody@example.com', password: 'none' }),
    audit: {
      as: 'nobody',
      call: ({ things: { email, password } }) => ({ body: { email, password } }),
      type: 'auth.signed_in',
      subject: () => 'session:',
    },
  },
  'GET /api/auth/callback': {
    needs: 'anyone',
    query: () => ({ code: 'none' }),
    audit: {
      as: 'nobody',
      call: async ({ comeBack }) => {
        const { cookie, query } = await comeBack()
        return { query, headers: { cookie } }
      },
      type: 'auth.signed_in',
      subject: () => 'session:',
    },
  },
  'GET /api/auth/salesforce/callback': {
    needs: 'anyone',
    query: () => ({ code: 'none', state: 'none' }),
    audit: {
      call: async (scene) => ({ query: await salesforceCallback(scene) }),
      type: 'salesforce.org_registered',
      subject: anyOrg,
    },
  },
  'GET /api/auth/salesforce/frontdoor': {
    needs: 'salesforce:use',
    query: ({ salesforceOrgId }) => ({ target: salesforceOrgId }),
    audit: {
      call: async (scene) => ({ query: { target: await registeredOrg(scene), redirect: 'false' } }),
      type: 'salesforce.org_opened',
      subject: anyOrg,
    },
  },
  'GET /api/auth/salesforce/login': {
    needs: 'salesforce:admin',
    query: () => ({ clientId: 'client', redirect: 'false' }),
    audit: { type: 'salesforce.login_started', subject: () => 'salesforce-login:' },
  },
  'GET /api/auth/salesforce/org': { needs: 'salesforce:use', ...orgQuery },
  'DELETE /api/auth/salesforce/org': {
    needs: 'salesforce:admin',
    ...orgQuery,
    audit: { type: 'salesforce.org_removed', subject: salesforceOrg },
  },
  'GET /api/auth/salesforce/orgs': { needs: 'salesforce:use' },
  'GET /api/environments': { needs: 'salesforce:use' },
  'POST /api/environments': {
    needs: 'salesforce:admin',
    body: ({ environmentId }) => ({ name: environmentId, category: 'test' }),
    audit: { type: 'salesforce.environment_created', subject: () => 'salesforce-environment:' },
  },
  'POST /api/environments/acquire': {
    needs: 'salesforce:deploy',
    body: ({ environmentId }) => ({ anyOf: [environmentId], leaseDurationSeconds: 60 }),
    audit: { type: 'lock.acquired', subject: environmentLock },
  },
  'PUT /api/environments/{id}/lease': {
    needs: 'salesforce:deploy',
    params: ({ environmentId }) => ({ id: environmentId }),
    body: () => ({ fence: 1, leaseDurationSeconds: 60 }),
    audit: {
      call: async (scene) => {
        const { id, fence } = await heldEnvironment(scene)
        return { params: { id }, body: { fence, leaseDurationSeconds: 60 } }
      },
      type: 'lock.renewed',
      subject: environmentLock,
    },
  },
  'DELETE /api/environments/{id}/lease': {
    needs: 'salesforce:deploy',
    params: ({ environmentId }) => ({ id: environmentId }),
    query: () => ({ fence: '1' }),
    audit: {
      call: async (scene) => {
        const { id, fence } = await heldEnvironment(scene)
        return { params: { id }, query: { fence: String(fence) } }
      },
      type: 'lock.released',
      subject: environmentLock,
    },
  },
  'POST /api/review/environments/assign': {
    needs: 'salesforce:deploy',
    body: () => ({ assignmentType: 'pr', assignmentId: '2', repositoryIdentifier: 'acme/shop' }),
    audit: { type: 'salesforce.environment_assigned', subject: () => 'salesforce-environment:' },
  },
  'GET /api/review/environments/{assignmentType}/{assignmentId}': {
    needs: 'salesforce:use',
    params: () => ({ assignmentType: 'pr', assignmentId: '2' }),
    query: () => ({ repositoryIdentifier: 'acme/shop' }),
  },
  'POST /api/auth/salesforce/register': {
    needs: 'salesforce:admin',
    body: () => ({ sfdxAuthUrl: 'force://client::token@nowhere.invalid' }),
    audit: {
      call: (scene) => ({ body: { sfdxAuthUrl: sfdxAuthUrl(scene) } }),
      type: 'salesforce.org_registered',
      subject: anyOrg,
    },
  },
  'POST /api/auth/salesforce/register-sandbox-by-name': {
    needs: 'salesforce:admin',
    body: ({ salesforceOrgId }) => ({ sandboxName: 'dev', productionUsername: salesforceOrgId }),
    audit: {
      call: async (scene) => {
        const { sandboxName, production } = await sandbox(scene)
        return { body: { sandboxName, productionUsername: production } }
      },
      type: 'salesforce.org_registered',
      subject: anyOrg,
    },
  },
  'POST /api/auth/salesforce/test-connection': {
    needs: 'salesforce:use',
    body: ({ salesforceOrgId }) => ({ username: salesforceOrgId }),
    audit: { type: 'salesforce.connection_tested', subject: salesforceOrg },
  },
  'POST /api/auth/callback': {
    needs: 'anyone',
    body: () => ({ access_token: 'none' }),
    audit: { unaudited: 'it is a read, of a token instead of by one' },
  },
  'POST /api/auth/device': {
    needs: 'anyone',
    body: () => ({ client_name: 'a test' }),
    audit: { as: 'nobody', type: 'auth.device_requested', subject: () => 'device:' },
  },
  'POST /api/auth/device/token': {
    needs: 'anyone',
    body: () => ({ device_code: 'none' }),
    audit: {
      as: 'nobody',
      call: async (scene) => ({ body: { device_code: await approvedDevice(scene) } }),
      type: 'auth.signed_in',
      subject: () => 'session:',
    },
  },
  'GET /api/auth/login': {
    needs: 'anyone',
    audit: { unaudited: 'it writes nothing: what it begins is sealed in a cookie' },
  },
  'POST /api/auth/logout': {
    needs: 'signed in',
    audit: { as: 'person', type: 'auth.session_ended', subject: session },
  },
  'POST /api/auth/refresh': {
    needs: 'anyone',
    body: () => ({ refresh_token: 'none' }),
    audit: {
      as: 'nobody',
      call: async (scene) => ({ body: { refresh_token: await refreshToken(scene) } }),
      type: 'auth.session_refreshed',
      subject: () => 'session:',
    },
  },
  'POST /api/auth/token': {
    needs: 'anyone',
    body: () => exchangeBody('none'),
    audit: {
      as: 'nobody',
      call: async (scene) => ({ body: exchangeBody(await scene.ciToken()) }),
      type: 'auth.token_exchanged',
      subject: () => 'token:',
    },
  },
  'GET /api/auth/sessions': { needs: 'access:admin', query: (things) => ({ email: things.email }) },
  'DELETE /api/auth/sessions': {
    needs: 'access:admin',
    query: (things) => ({ email: things.email }),
    audit: { type: 'auth.session_ended', subject: session },
  },
  'DELETE /api/auth/sessions/{id}': {
    needs: 'access:admin',
    params: ({ sessionId }) => ({ id: sessionId }),
    audit: { type: 'auth.session_ended', subject: session },
  },
  'GET /api/docs': { needs: 'anyone' },
  'GET /api/docs/{asset}': { needs: 'anyone', params: () => ({ asset: 'none.js' }) },
  'GET /api/doc-store/docs/{key}': { needs: 'documents:read', params: ({ documentKey }) => ({ key: documentKey }) },
  'POST /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
    audit: { type: 'document.created', subject: ({ documentKey }) => `document:default/new-${documentKey}` },
  },
  'PUT /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
    audit: { type: 'document.created', subject: ({ documentKey }) => `document:default/new-${documentKey}` },
  },
  'PATCH /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: documentKey }),
    body: () => ({ secret: null }),
    audit: { type: 'document.updated', subject: document },
  },
  'DELETE /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: documentKey }),
    audit: { type: 'document.deleted', subject: document },
  },
  'GET /api/doc-store/docs/{key}/version': {
    needs: 'documents:read',
    params: ({ documentKey }) => ({ key: documentKey }),
  },
  'GET /api/doc-store/docs/{key}/history': {
    needs: 'documents:read',
    params: ({ documentKey }) => ({ key: documentKey }),
  },
  'GET /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:read',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
  },
  'POST /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
    audit: { type: 'document.created', subject: ({ documentKey }) => `document:default/new-${documentKey}` },
  },
  'PUT /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
    audit: { type: 'document.created', subject: ({ documentKey }) => `document:default/new-${documentKey}` },
  },
  'PATCH /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
    body: () => ({ secret: null }),
    audit: { type: 'document.updated', subject: document },
  },
  'DELETE /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
    audit: { type: 'document.deleted', subject: document },
  },
  'GET /api/doc-store/collections/{name}/docs/{key}/version': {
    needs: 'documents:read',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
  },
  'GET /api/doc-store/collections/{name}/docs/{key}/history': {
    needs: 'documents:read',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
  },
  'GET /api/doc-store/docs': { needs: 'documents:read' },
  'POST /api/doc-store/query': { needs: 'documents:read', body: () => ({}), audit: { unaudited: 'it is a read' } },
  'GET /api/doc-store/collections': { needs: 'documents:read' },
  'POST /api/doc-store/collections': {
    needs: 'documents:write',
    body: ({ collection }) => ({ name: `${collection}/new` }),
    audit: { type: 'collection.created', subject: ({ collection }) => `collection:${collection}/new` },
  },
  'GET /api/doc-store/collections/{name}': {
    needs: 'documents:read',
    params: ({ collection }) => ({ name: collection }),
  },
  'DELETE /api/doc-store/collections/{name}': {
    needs: 'documents:write',
    params: ({ collection }) => ({ name: collection }),
    audit: { type: 'collection.deleted', subject: ({ collection }) => `collection:${collection}` },
  },
  'POST /api/doc-store/collections/{name}/query': {
    needs: 'documents:read',
    anyName: true,
    params: ({ collection }) => ({ name: collection }),
    body: () => ({}),
    audit: { unaudited: 'it is a read' },
  },
  'GET /health': { needs: 'anyone' },
  'POST /hooks/{id}': {
    needs: 'anyone',
    params: () => ({ id: 'github' }),
    body: () => ({ ref: 'refs/heads/main' }),
    audit: { as: 'hook', call: () => githubPush('direct'), type: 'hook.received', subject: () => 'hook:github' },
  },
  'GET /api/key-value': { needs: 'entries:read' },
  'POST /api/key-value': {
    needs: 'entries:write',
    body: ({ entryKey }) => ({ key: `new-${entryKey}`, value: 1 }),
    audit: { type: 'entry.set', subject: ({ entryKey }) => `entry:new-${entryKey}` },
  },
  'POST /api/key-value/upsert': {
    needs: 'entries:write',
    body: ({ entryKey }) => ({ key: `other-${entryKey}`, value: 1 }),
    audit: { type: 'entry.set', subject: ({ entryKey }) => `entry:other-${entryKey}` },
  },
  'GET /api/key-value/{key}': { needs: 'entries:read', ...entryKey },
  'PUT /api/key-value/{key}': {
    needs: 'entries:write',
    ...entryKey,
    body: () => ({ value: 'taken' }),
    audit: { type: 'entry.set', subject: entry },
  },
  'DELETE /api/key-value/{key}': {
    needs: 'entries:write',
    ...entryKey,
    audit: { type: 'entry.deleted', subject: entry },
  },
  'GET /livez': { needs: 'anyone' },
  'GET /readyz': { needs: 'anyone' },
  'GET /api/logs/{operationId}': { needs: 'tasks:read', ...operationId },
  'DELETE /api/logs/{operationId}': {
    needs: 'tasks:write',
    ...operationId,
    audit: { type: 'task.logs_deleted', subject: task },
  },
  'GET /api/openapi.json': { needs: 'anyone' },
  'GET /api/ping': { needs: 'anyone' },
  'GET /api/events': { needs: 'events:read' },
  'GET /api/locks': { needs: 'entries:read' },
  'POST /api/locks': {
    needs: 'entries:write',
    body: ({ lockName }) => ({ name: `new-${lockName}`, leaseDurationSeconds: 60 }),
    audit: { type: 'lock.acquired', subject: ({ lockName }) => `lock:new-${lockName}` },
  },
  'GET /api/locks/{name}': { needs: 'entries:read', ...lockParams },
  'PUT /api/locks/{name}': {
    needs: 'entries:write',
    ...lockParams,
    anyName: true,
    body: () => ({ fence: 1, leaseDurationSeconds: 60 }),
    audit: {
      call: async (scene) => ({ body: { fence: await fenceOf(scene), leaseDurationSeconds: 60 } }),
      type: 'lock.renewed',
      subject: lock,
    },
  },
  'DELETE /api/locks/{name}': {
    needs: 'entries:write',
    ...lockParams,
    anyName: true,
    query: () => ({ fence: '1' }),
    audit: {
      call: async (scene) => ({ query: { fence: String(await fenceOf(scene)) } }),
      type: 'lock.released',
      subject: lock,
    },
  },
  'POST /api/locks/{name}/force-release': {
    needs: 'access:admin',
    ...lockParams,
    audit: { type: 'lock.forced', subject: lock },
  },
  'GET /api/locks/{repository}/{resource}': { needs: 'entries:read', ...lockPlace, anyName: true },
  'DELETE /api/locks/{repository}/{resource}': {
    needs: 'access:admin',
    ...lockPlace,
    audit: { type: 'lock.forced', subject: lock },
  },
  'GET /api/locks/{repository}/{resource}/{ticketId}': {
    needs: 'entries:read',
    params: (things) => ({ ...placeOf(things), ticketId: '1' }),
  },
  'DELETE /api/locks/{repository}/{resource}/{ticketId}': {
    needs: 'entries:write',
    params: (things) => ({ ...placeOf(things), ticketId: '1' }),
    audit: {
      call: async (scene) => ({ params: { ...placeOf(scene.things), ticketId: String(await fenceOf(scene)) } }),
      type: 'lock.released',
      subject: lock,
    },
  },
  'GET /api/task-types': { needs: 'tasks:read' },
  'POST /api/task-types': {
    needs: 'tasks:work',
    body: () => ({ types: [{ name: 'registered.rest', inputSchema: true }] }),
    audit: { type: 'task.type_registered', subject: () => 'task-type:registered.rest' },
  },
  'DELETE /api/task-types/{name}': {
    needs: 'tasks:work',
    params: () => ({ name: 'never.registered' }),
    anyName: true,
    audit: {
      call: async (scene) => ({ params: { name: (await remoteTask(scene)).types[0] ?? '' } }),
      type: 'task.type_removed',
      subject: () => 'task-type:',
    },
  },
  'POST /api/workers/claims': {
    needs: 'tasks:work',
    body: () => ({ worker: 'a test', types: ['never.registered'] }),
    audit: { call: async (scene) => ({ body: await remoteTask(scene) }), type: 'task.started', subject: () => 'task:' },
  },
  'POST /api/workers/heartbeats': {
    needs: 'tasks:work',
    body: () => ({ worker: 'a test', leases: [] }),
    audit: { unaudited: 'it only prolongs what was audited when it began' },
  },
  'POST /api/workers/tasks/{taskId}/report': {
    needs: 'tasks:work',
    params: ({ taskId }) => ({ taskId }),
    body: () => ({ fence: 1, logs: ['line'] }),
    audit: { unaudited: 'it is what an attempt says, which is kept with its task' },
  },
  'POST /api/workers/tasks/{taskId}/complete': {
    needs: 'tasks:work',
    params: ({ taskId }) => ({ taskId }),
    body: () => ({ fence: 1 }),
    audit: { call: (scene) => ofLease(scene), type: 'task.completed', subject: () => 'task:' },
  },
  'POST /api/workers/tasks/{taskId}/fail': {
    needs: 'tasks:work',
    params: ({ taskId }) => ({ taskId }),
    body: () => ({ fence: 1, error: { code: 'FAILED' } }),
    audit: {
      call: (scene) => ofLease(scene, { error: { code: 'FAILED' } }),
      type: 'task.failed',
      subject: () => 'task:',
    },
  },
  'POST /api/workers/tasks/{taskId}/release': {
    needs: 'tasks:work',
    params: ({ taskId }) => ({ taskId }),
    body: () => ({ fence: 1 }),
    audit: { call: (scene) => ofLease(scene), type: 'task.released', subject: () => 'task:' },
  },
  'POST /api/tasks/{operationId}/approve': {
    needs: 'tasks:approve',
    ...operationId,
    body: () => ({ comment: 'fine' }),
    audit: {
      call: async (scene) => ({ params: { operationId: await taskThatAsks(scene) }, body: {} }),
      type: 'task.approved',
      subject: () => 'task:',
    },
  },
  'POST /api/tasks/{operationId}/reject': {
    needs: 'tasks:approve',
    ...operationId,
    body: () => ({ comment: 'not today' }),
    audit: {
      call: async (scene) => ({ params: { operationId: await taskThatAsks(scene) }, body: {} }),
      type: 'task.rejected',
      subject: () => 'task:',
    },
  },
  'POST /api/tasks/{operationId}/signal': {
    needs: 'tasks:write',
    ...operationId,
    body: () => ({ name: 'ready' }),
    audit: { type: 'task.signalled', subject: task },
  },
  'POST /api/tasks/{operationId}/retry': {
    needs: 'tasks:write',
    ...operationId,
    audit: {
      call: async (scene) => ({ params: { operationId: await cancelledTask(scene) } }),
      type: 'task.retried',
      subject: task,
    },
  },
  'POST /api/repository/webhook': {
    needs: 'anyone',
    body: () => ({ ref: 'refs/heads/main' }),
    audit: { as: 'hook', call: () => githubPush('documented'), type: 'hook.received', subject: () => 'hook:github' },
  },
  'POST /api/repository/webhook/azuredevops': {
    needs: 'anyone',
    body: () => ({ id: 'unproved', eventType: 'git.push' }),
    audit: {
      as: 'hook',
      call: () => ({
        headers: { authorization: `Basic ${Buffer.from(`any:${hookSecrets['azure-devops']}`).toString('base64')}` },
        body: { id: 'audited', eventType: 'git.push' },
      }),
      type: 'hook.received',
      subject: () => 'hook:azure-devops',
    },
  },
  'GET /api/tasks': { needs: 'tasks:read' },
  'POST /api/tasks': {
    needs: 'tasks:write',
    body: () => ({ type: 'probe', data: {}, scheduleType: 'scheduled', scheduledFor: inAYear() }),
    audit: { type: 'task.submitted', subject: () => 'task:' },
  },
  'DELETE /api/tasks/{operationId}': {
    needs: 'tasks:write',
    ...operationId,
    audit: { type: 'task.cancelled', subject: task },
  },
  'GET /api/tasks/{operationId}/recurring-instances': { needs: 'tasks:read', ...operationId },
  'GET /api/tasks/{operationId}/result': { needs: 'tasks:read', ...operationId },
  'GET /api/tasks/{operationId}/result/parts': { needs: 'tasks:read', ...operationId },
  'GET /api/tasks/{operationId}/result/parts/{name}': {
    needs: 'tasks:read',
    params: ({ taskId }) => ({ operationId: taskId, name: 'none' }),
  },
  'GET /api/tasks/{operationId}/status': { needs: 'tasks:read', ...operationId },
  'POST /api/tasks/{operationId}/stop-recurring': {
    needs: 'tasks:write',
    params: ({ scheduleId }) => ({ operationId: scheduleId }),
    audit: { type: 'schedule.ended', subject: schedule },
  },
  'GET /api/teams': { needs: 'access:admin', people: 'signed in' },
  'POST /api/teams': {
    needs: 'access:admin',
    body: ({ teamSlug }) => ({ name: 'New', slug: `new-${teamSlug}` }),
    audit: { type: 'auth.team_created', subject: () => 'team:' },
  },
  'DELETE /api/teams/{slug}': {
    needs: 'access:admin',
    ...slug,
    audit: { type: 'auth.team_deleted', subject: () => 'team:' },
  },
  'GET /api/teams/{slug}/members': { needs: 'access:admin', people: 'signed in', ...slug },
  'POST /api/teams/{slug}/members': {
    needs: 'access:admin',
    ...slug,
    body: (things) => ({ email: things.email, role: 'owner' }),
    audit: {
      call: async (scene) => ({ params: { slug: await otherTeam(scene) } }),
      type: 'auth.team_member_added',
      subject: () => 'team:',
    },
  },
  'DELETE /api/teams/{slug}/members/{email}': {
    needs: 'access:admin',
    ...member,
    audit: { type: 'auth.team_member_removed', subject: () => 'team:' },
  },
  'PUT /api/teams/{slug}/members/{email}/role': {
    needs: 'access:admin',
    ...member,
    body: () => ({ role: 'owner' }),
    audit: { type: 'auth.team_member_changed', subject: () => 'team:' },
  },
  'GET /api/users': { needs: 'access:admin' },
  'POST /api/users': {
    needs: 'access:admin',
    body: (things) => ({ email: `new-${things.email}` }),
    audit: { type: 'auth.user_created', subject: () => 'user:' },
  },
  'DELETE /api/users': {
    needs: 'access:admin',
    body: (things) => ({ email: things.email }),
    audit: { type: 'auth.user_removed', subject: () => 'user:' },
  },
  'GET /api/users/me': { needs: 'signed in' },
  'GET /api/users/{email}': { needs: 'access:admin', ...email },
  'PUT /api/users/{email}': {
    needs: 'access:admin',
    ...email,
    body: () => ({ firstName: 'Taken' }),
    audit: { type: 'auth.user_changed', subject: () => 'user:' },
  },
  'DELETE /api/users/{email}': {
    needs: 'access:admin',
    ...email,
    audit: { type: 'auth.user_removed', subject: () => 'user:' },
  },
  'GET /api/webhooks': { needs: 'webhooks:admin' },
  'POST /api/webhooks': {
    needs: 'webhooks:admin',
    body: () => ({
      name: 'New',
      event: 'nothing.at.all',
      config: { url: 'https://nowhere.invalid' },
      retryCount: 0,
    }),
    audit: { type: 'webhook.created', subject: () => 'webhook:' },
  },
  'POST /api/webhooks/trigger': {
    needs: 'events:write',
    body: () => ({ event: 'test.right' }),
    audit: { type: 'test.right', subject: () => 'event:' },
  },
  'GET /api/webhooks/{id}': { needs: 'webhooks:admin', ...webhook },
  'PATCH /api/webhooks/{id}': {
    needs: 'webhooks:admin',
    ...webhook,
    body: () => ({ name: 'Taken' }),
    audit: { type: 'webhook.updated', subject: webhookSubject },
  },
  'DELETE /api/webhooks/{id}': {
    needs: 'webhooks:admin',
    ...webhook,
    audit: { type: 'webhook.deleted', subject: webhookSubject },
  },
  'POST /api/webhooks/{id}/deliver': {
    needs: 'webhooks:admin',
    ...webhook,
    audit: { type: 'webhook.ping', subject: webhookSubject },
  },
  'GET /api/webhooks/{id}/deliveries': { needs: 'webhooks:admin', ...webhook },
}
