import { type Scope, sufficientScopes } from '#domain/access/scope.ts'

/**
 * The documented paths by the scope that they need, for the documentation: the operations that they run decide. Paths that
 * are not here are for everyone. A test calls each path with every scope and fails when this is not what it needs.
 */
const pathsByScope: Readonly<Partial<Record<Scope | 'none', readonly string[]>>> = {
  'access:admin': [
    'GET /api/application-tokens',
    'POST /api/application-tokens',
    'POST /api/application-tokens/{id}/rotate',
    'DELETE /api/application-tokens/{token}',
    'GET /api/auth/sessions',
    'DELETE /api/auth/sessions',
    'DELETE /api/auth/sessions/{id}',
    'POST /api/locks/{name}/force-release',
    'DELETE /api/locks/{repository}/{resource}',
    'GET /api/teams',
    'POST /api/teams',
    'DELETE /api/teams/{slug}',
    'GET /api/teams/{slug}/members',
    'POST /api/teams/{slug}/members',
    'DELETE /api/teams/{slug}/members/{email}',
    'PUT /api/teams/{slug}/members/{email}/role',
    'GET /api/users',
    'POST /api/users',
    'DELETE /api/users',
    'GET /api/users/{email}',
    'PUT /api/users/{email}',
    'DELETE /api/users/{email}',
  ],
  'audit:read': ['GET /api/audit'],
  'documents:read': [
    'GET /api/doc-store/docs/{key}',
    'GET /api/doc-store/docs/{key}/version',
    'GET /api/doc-store/docs/{key}/history',
    'GET /api/doc-store/collections/{name}/docs/{key}',
    'GET /api/doc-store/collections/{name}/docs/{key}/version',
    'GET /api/doc-store/collections/{name}/docs/{key}/history',
    'GET /api/doc-store/docs',
    'POST /api/doc-store/query',
    'GET /api/doc-store/collections',
    'GET /api/doc-store/collections/{name}',
    'POST /api/doc-store/collections/{name}/query',
  ],
  'documents:write': [
    'POST /api/doc-store/docs/{key}',
    'PUT /api/doc-store/docs/{key}',
    'PATCH /api/doc-store/docs/{key}',
    'DELETE /api/doc-store/docs/{key}',
    'POST /api/doc-store/collections/{name}/docs/{key}',
    'PUT /api/doc-store/collections/{name}/docs/{key}',
    'PATCH /api/doc-store/collections/{name}/docs/{key}',
    'DELETE /api/doc-store/collections/{name}/docs/{key}',
    'POST /api/doc-store/collections',
    'DELETE /api/doc-store/collections/{name}',
  ],
  'entries:read': [
    'GET /api/key-value',
    'GET /api/key-value/{key}',
    'GET /api/locks',
    'GET /api/locks/{name}',
    'GET /api/locks/{repository}/{resource}',
    'GET /api/locks/{repository}/{resource}/{ticketId}',
  ],
  'entries:write': [
    'POST /api/key-value',
    'POST /api/key-value/upsert',
    'PUT /api/key-value/{key}',
    'DELETE /api/key-value/{key}',
    'POST /api/locks',
    'PUT /api/locks/{name}',
    'DELETE /api/locks/{name}',
    'DELETE /api/locks/{repository}/{resource}/{ticketId}',
  ],
  'events:read': ['GET /api/events'],
  'events:write': ['POST /api/webhooks/trigger'],
  'salesforce:use': [
    'GET /api/auth/salesforce/frontdoor',
    'GET /api/auth/salesforce/org',
    'GET /api/auth/salesforce/orgs',
    'GET /api/environments',
    'GET /api/review/environments/{assignmentType}/{assignmentId}',
    'POST /api/auth/salesforce/test-connection',
  ],
  'salesforce:deploy': [
    'DELETE /api/environments/{id}/lease',
    'POST /api/environments/acquire',
    'POST /api/review/environments/assign',
    'PUT /api/environments/{id}/lease',
  ],
  'salesforce:admin': [
    'DELETE /api/auth/salesforce/org',
    'GET /api/auth/salesforce/login',
    'POST /api/auth/salesforce/register',
    'POST /api/environments',
    'POST /api/auth/salesforce/register-sandbox-by-name',
  ],
  'tasks:read': [
    'GET /api/logs/{operationId}',
    'GET /api/task-types',
    'GET /api/tasks',
    'GET /api/tasks/{operationId}/recurring-instances',
    'GET /api/tasks/{operationId}/result',
    'GET /api/tasks/{operationId}/result/parts',
    'GET /api/tasks/{operationId}/result/parts/{name}',
    'GET /api/tasks/{operationId}/status',
  ],
  'tasks:work': [
    'POST /api/task-types',
    'DELETE /api/task-types/{name}',
    'POST /api/workers/claims',
    'POST /api/workers/heartbeats',
    'POST /api/workers/tasks/{taskId}/report',
    'POST /api/workers/tasks/{taskId}/complete',
    'POST /api/workers/tasks/{taskId}/fail',
    'POST /api/workers/tasks/{taskId}/release',
  ],
  'tasks:approve': ['POST /api/tasks/{operationId}/approve', 'POST /api/tasks/{operationId}/reject'],
  'tasks:write': [
    'POST /api/tasks/{operationId}/signal',
    'DELETE /api/logs/{operationId}',
    'POST /api/tasks/{operationId}/retry',
    'POST /api/tasks/{operationId}/stop-recurring',
    'POST /api/tasks',
    'DELETE /api/tasks/{operationId}',
  ],
  'webhooks:admin': [
    'GET /api/webhooks',
    'POST /api/webhooks',
    'GET /api/webhooks/{id}',
    'PATCH /api/webhooks/{id}',
    'DELETE /api/webhooks/{id}',
    'POST /api/webhooks/{id}/deliver',
    'GET /api/webhooks/{id}/deliveries',
  ],
  // For everyone who is signed in, and for every application token.
  none: ['POST /api/auth/logout', 'GET /api/users/me'],
}

/** What people who are signed in may do without the scope, where it concerns themselves. */
const ownThings: ReadonlySet<string> = new Set([
  'GET /api/application-tokens',
  'POST /api/application-tokens',
  'GET /api/teams',
  'GET /api/teams/{slug}/members',
])

interface NeededScopes {
  /** Empty: a valid token is enough. */
  readonly required: readonly Scope[]
  /** Each of them is enough, since it includes the required one. */
  readonly sufficient: readonly Scope[]
  readonly sentence: string
}

/** The scopes that a call such as `GET /api/tasks` needs; undefined: it is for everyone, or for signed calls. */
export function neededScopes(call: string): NeededScopes | undefined {
  const [needed] = Object.entries(pathsByScope).find(([, calls]) => calls?.includes(call)) ?? []
  if (needed === undefined) return undefined
  if (needed === 'none') return { required: [], sufficient: [], sentence: 'Needs a valid token, with any scope.' }
  const scope = needed as Scope
  const sufficient = sufficientScopes(scope)
  const people = ownThings.has(call) ? ' People who are signed in need none for what is their own.' : ''
  const sentence = `Needs ${sufficient.length === 1 ? 'the scope' : 'one of the scopes'} ${sufficient.map((one) => `\`${one}\``).join(', ')}.${people}`
  return { required: [scope], sufficient, sentence }
}
