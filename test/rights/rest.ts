import type { Right } from './need.ts'
import type { Things } from './things.ts'

/** A row of REST, and how it is called. */
export interface RestRight extends Right {
  /** What stands for the parameters of its path. */
  readonly params?: (things: Things) => Readonly<Record<string, string>>
  readonly query?: (things: Things) => Readonly<Record<string, string>>
  readonly body?: (things: Things) => unknown
  /** What its path names need not be there: it makes it, or finds nothing in it. */
  readonly anyName?: boolean
}

const operationId = { params: ({ taskId }: Things) => ({ operationId: taskId }) }
const email = { params: (things: Things) => ({ email: things.email }) }
const slug = { params: ({ teamSlug }: Things) => ({ slug: teamSlug }) }
const entryKey = { params: (things: Things) => ({ key: things.entryKey }) }
const member = { params: ({ teamSlug, email }: Things) => ({ slug: teamSlug, email }) }
const webhook = { params: ({ webhookId }: Things) => ({ id: webhookId }) }
const inAYear = () => new Date(Date.now() + 365 * 24 * 3_600_000).toISOString()

/** Who may call which documented path. One that is not here fails the test, and so does one that is here for nothing. */
export const restRights: Readonly<Record<string, RestRight>> = {
  'GET /.well-known/jwks.json': { needs: 'anyone' },
  'GET /': { needs: 'anyone' },
  'GET /api': { needs: 'anyone' },
  'GET /api/application-tokens': { needs: 'access:admin' },
  'POST /api/application-tokens': { needs: 'access:admin', body: () => ({ name: 'x', scopes: ['access:admin'] }) },
  'POST /api/application-tokens/{id}/rotate': {
    needs: 'access:admin',
    params: ({ tokenId }) => ({ id: tokenId }),
  },
  'DELETE /api/application-tokens/{token}': { needs: 'access:admin', params: ({ tokenId }) => ({ token: tokenId }) },
  'GET /api/audit': { needs: 'audit:read' },
  'POST /api/auth/admin/login': { needs: 'anyone', body: () => ({ email: 'nobody@example.com', password: 'none' }) },
  'GET /api/auth/callback': { needs: 'anyone', query: () => ({ code: 'none' }) },
  'POST /api/auth/callback': { needs: 'anyone', body: () => ({ access_token: 'none' }) },
  'POST /api/auth/device': { needs: 'anyone', body: () => ({ client_name: 'a test' }) },
  'POST /api/auth/device/token': { needs: 'anyone', body: () => ({ device_code: 'none' }) },
  'GET /api/auth/login': { needs: 'anyone' },
  'POST /api/auth/logout': { needs: 'signed in' },
  'POST /api/auth/refresh': { needs: 'anyone', body: () => ({ refresh_token: 'none' }) },
  'GET /api/auth/sessions': { needs: 'access:admin', query: (things) => ({ email: things.email }) },
  'DELETE /api/auth/sessions': { needs: 'access:admin', query: (things) => ({ email: things.email }) },
  'DELETE /api/auth/sessions/{id}': { needs: 'access:admin', params: ({ sessionId }) => ({ id: sessionId }) },
  'GET /api/docs': { needs: 'anyone' },
  'GET /api/docs/{asset}': { needs: 'anyone', params: () => ({ asset: 'none.js' }) },
  'GET /api/doc-store/docs/{key}': { needs: 'documents:read', params: ({ documentKey }) => ({ key: documentKey }) },
  'POST /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
  },
  'PUT /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
  },
  'PATCH /api/doc-store/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ key: documentKey }),
    body: () => ({ secret: null }),
  },
  'DELETE /api/doc-store/docs/{key}': { needs: 'documents:write', params: ({ documentKey }) => ({ key: documentKey }) },
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
  },
  'PUT /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: `new-${documentKey}` }),
    anyName: true,
    body: () => ({ value: 'taken' }),
  },
  'PATCH /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
    body: () => ({ secret: null }),
  },
  'DELETE /api/doc-store/collections/{name}/docs/{key}': {
    needs: 'documents:write',
    params: ({ documentKey }) => ({ name: 'default', key: documentKey }),
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
  'POST /api/doc-store/query': { needs: 'documents:read', body: () => ({}) },
  'GET /api/doc-store/collections': { needs: 'documents:read' },
  'POST /api/doc-store/collections': {
    needs: 'documents:write',
    body: ({ collection }) => ({ name: `${collection}/new` }),
  },
  'GET /api/doc-store/collections/{name}': {
    needs: 'documents:read',
    params: ({ collection }) => ({ name: collection }),
  },
  'DELETE /api/doc-store/collections/{name}': {
    needs: 'documents:write',
    params: ({ collection }) => ({ name: collection }),
  },
  'POST /api/doc-store/collections/{name}/query': {
    needs: 'documents:read',
    anyName: true,
    params: ({ collection }) => ({ name: collection }),
    body: () => ({}),
  },
  'GET /health': { needs: 'anyone' },
  'GET /api/key-value': { needs: 'entries:read' },
  'POST /api/key-value': { needs: 'entries:write', body: ({ entryKey }) => ({ key: `new-${entryKey}`, value: 1 }) },
  'POST /api/key-value/upsert': {
    needs: 'entries:write',
    body: ({ entryKey }) => ({ key: `other-${entryKey}`, value: 1 }),
  },
  'GET /api/key-value/{key}': { needs: 'entries:read', ...entryKey },
  'PUT /api/key-value/{key}': { needs: 'entries:write', ...entryKey, body: () => ({ value: 'taken' }) },
  'DELETE /api/key-value/{key}': { needs: 'entries:write', ...entryKey },
  'GET /livez': { needs: 'anyone' },
  'GET /readyz': { needs: 'anyone' },
  'GET /api/logs/{operationId}': { needs: 'tasks:read', ...operationId },
  'DELETE /api/logs/{operationId}': { needs: 'tasks:write', ...operationId },
  'GET /api/openapi.json': { needs: 'signed in' },
  'GET /api/ping': { needs: 'anyone' },
  'GET /api/tasks': { needs: 'tasks:read' },
  'POST /api/tasks': {
    needs: 'tasks:write',
    body: () => ({ type: 'probe', data: {}, scheduleType: 'scheduled', scheduledFor: inAYear() }),
  },
  'DELETE /api/tasks/{operationId}': { needs: 'tasks:write', ...operationId },
  'GET /api/tasks/{operationId}/recurring-instances': { needs: 'tasks:read', ...operationId },
  'GET /api/tasks/{operationId}/result': { needs: 'tasks:read', ...operationId },
  'GET /api/tasks/{operationId}/result/parts': { needs: 'tasks:read', ...operationId },
  'GET /api/tasks/{operationId}/result/parts/{name}': {
    needs: 'tasks:read',
    params: ({ taskId }) => ({ operationId: taskId, name: 'none' }),
  },
  'GET /api/tasks/{operationId}/status': { needs: 'tasks:read', ...operationId },
  'POST /api/tasks/{operationId}/stop-recurring': { needs: 'tasks:read', ...operationId },
  'GET /api/teams': { needs: 'access:admin', people: 'signed in' },
  'POST /api/teams': { needs: 'access:admin', body: ({ teamSlug }) => ({ name: 'New', slug: `new-${teamSlug}` }) },
  'DELETE /api/teams/{slug}': { needs: 'access:admin', ...slug },
  'GET /api/teams/{slug}/members': { needs: 'access:admin', people: 'signed in', ...slug },
  'POST /api/teams/{slug}/members': {
    needs: 'access:admin',
    ...slug,
    body: (things) => ({ email: things.email, role: 'owner' }),
  },
  'DELETE /api/teams/{slug}/members/{email}': { needs: 'access:admin', ...member },
  'PUT /api/teams/{slug}/members/{email}/role': { needs: 'access:admin', ...member, body: () => ({ role: 'owner' }) },
  'GET /api/users': { needs: 'access:admin' },
  'POST /api/users': { needs: 'access:admin', body: (things) => ({ email: `new-${things.email}` }) },
  'DELETE /api/users': { needs: 'access:admin', body: (things) => ({ email: things.email }) },
  'GET /api/users/me': { needs: 'signed in' },
  'GET /api/users/{email}': { needs: 'access:admin', ...email },
  'PUT /api/users/{email}': { needs: 'access:admin', ...email, body: () => ({ firstName: 'Taken' }) },
  'DELETE /api/users/{email}': { needs: 'access:admin', ...email },
  'GET /api/webhooks': { needs: 'webhooks:admin' },
  'POST /api/webhooks': {
    needs: 'webhooks:admin',
    body: () => ({
      name: 'New',
      event: 'nothing.at.all',
      config: { url: 'https://nowhere.invalid' },
      retryCount: 0,
    }),
  },
  'POST /api/webhooks/trigger': { needs: 'events:write', body: () => ({ event: 'test.right' }) },
  'GET /api/webhooks/{id}': { needs: 'webhooks:admin', ...webhook },
  'PATCH /api/webhooks/{id}': { needs: 'webhooks:admin', ...webhook, body: () => ({ name: 'Taken' }) },
  'DELETE /api/webhooks/{id}': { needs: 'webhooks:admin', ...webhook },
  'POST /api/webhooks/{id}/deliver': { needs: 'webhooks:admin', ...webhook },
  'GET /api/webhooks/{id}/deliveries': { needs: 'webhooks:admin', ...webhook },
}
