/** Names that GraphQL, REST and the command line have for the same thing. */
const sameThings: readonly (readonly string[])[] = [
  ['expiresIn', 'expiresInDays'],
  ['timeout', 'timeoutMs', 'timeoutSeconds'],
  ['type', 'types', 'event', 'events'],
  ['data', 'input', 'payload', 'value'],
  ['ttl', 'ttlMs', 'leaseDurationSeconds'],
  ['limit', 'first', 'pageSize'],
  ['cursor', 'after'],
  ['format', 'provider'],
  ['ifVersion', 'expectedVersion'],
  ['overlap', 'overlapMs'],
  ['wait', 'waitMs', 'waitSeconds'],
  ['scope', 'scopes'],
  ['label', 'labels'],
  ['status', 'state', 'statuses'],
  ['operationId', 'id', 'taskId'],
  ['runAt', 'scheduledFor'],
]

/** The known name of what another interface calls `name`; undefined when there is none. */
export function calledHere(name: string, known: readonly string[]): string | undefined {
  return sameThings.find((names) => names.includes(name))?.find((one) => one !== name && known.includes(one))
}
