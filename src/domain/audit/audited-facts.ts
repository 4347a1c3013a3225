import { isRecord } from '#lib/json.ts'
import { type OwnFamily, ownFamilyOf } from '#platform/journal/own-families.ts'

/**
 * What the audit log takes over from an event's data: the log says what was touched, never what is in it. A name that is
 * not here is left out, and so is all that callers' own events carry.
 */
const factNames: Readonly<Record<OwnFamily, readonly string[]>> = {
  task: ['type', 'priority', 'labels', 'status', 'attempt', 'reason', 'lines', 'approval', 'comment', 'signal'],
  document: ['collection', 'key', 'version', 'previousVersion', 'sizeBytes', 'restoredVersion', 'reason'],
  collection: ['path', 'documents'],
  entry: ['key', 'version', 'revision', 'created', 'sizeBytes', 'expiresAt'],
  lock: ['name', 'fence', 'expiresAt', 'renewals', 'holder', 'waiterId', 'cleared', 'reason'],
  auth: [
    ...['name', 'scopes', 'expiresAt', 'reason', 'successor', 'address', 'calls', 'usualCalls', 'owner'],
    ...['email', 'role', 'method', 'userId', 'issuer', 'client', 'member', 'rule', 'subject'],
    ...['sufficientScopes', 'resource', 'suppressed', 'count', 'token'],
  ],
  webhook: [
    ...['name', 'host', 'events', 'format', 'status', 'overlapUntil', 'count', 'deliveryId'],
    ...['failedSince', 'eventsFrom', 'eventsTo'],
  ],
  salesforce: [
    ...['username', 'orgId', 'kind', 'instanceUrl', 'method', 'isDefault', 'loginUrl', 'isConnected', 'isOneTime'],
    ...['isRevoked', 'isRotated', 'state', 'message', 'path', 'reason', 'expiresAt', 'taskId', 'taskType', 'error'],
    ...['deployId', 'status', 'isSuccessful', 'componentsDeployed', 'componentsTotal', 'componentErrors', 'testsRun'],
    ...['testErrors', 'limits', 'name', 'repository', 'category', 'assignmentType', 'assignmentId', 'fence'],
  ],
  secret: ['name', 'taskId', 'taskType', 'attempt'],
  audit: [],
  stream: [],
  worker: ['name', 'slots', 'types', 'version'],
  hook: ['hook', 'sender', 'event', 'deliveryId', 'reason', 'suppressed'],
  schedule: [
    ...['type', 'name', 'cron', 'everyMs', 'rrule', 'timeZone', 'status', 'nextAt', 'reason', 'taskId'],
    ...['scheduledFor', 'isManual'],
  ],
}

const maxTextLength = 256
const maxListLength = 50
const maxDepth = 3

/** The short facts among an event's data. */
export function factsOf(type: string, data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const family = ownFamilyOf(type)
  const names = family === undefined ? [] : factNames[family]
  return shortenedFields(
    names.flatMap((name) => (Object.hasOwn(data, name) ? [[name, data[name]] as const] : [])),
    1,
  )
}

function shortenedFields(fields: readonly (readonly [string, unknown])[], depth: number): Record<string, unknown> {
  return Object.fromEntries(fields.slice(0, maxListLength).map(([name, value]) => [name, shortened(value, depth)]))
}

function shortened(value: unknown, depth: number): unknown {
  if (typeof value === 'string')
    return value.length > maxTextLength ? `${value.slice(0, maxTextLength).toWellFormed()}…` : value
  // A number that JSON doesn't have would have no canonical form.
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  if (typeof value !== 'object' || value === null) return value
  if (depth === maxDepth) return '…'
  if (Array.isArray(value)) return value.slice(0, maxListLength).map((item) => shortened(item, depth + 1))
  return isRecord(value) ? shortenedFields(Object.entries(value), depth + 1) : null
}
