import { nearest } from '#lib/nearest.ts'
import { ownFamilies, ownFamilyOf } from '#platform/journal/own-families.ts'
import { isEventType } from './event-pattern.ts'

/** The types of events that the server itself writes. */
export const serverEventTypes: readonly string[] = [
  'auth.account_created',
  'auth.account_deleted',
  'auth.account_deletion_started',
  'auth.account_resumed',
  'auth.account_suspended',
  'auth.attempt_failed',
  'auth.device_approved',
  'auth.device_denied',
  'auth.device_requested',
  'auth.identity_linked',
  'auth.refresh_token_reused',
  'auth.refused',
  'auth.refused_repeatedly',
  'auth.session_ended',
  'auth.session_narrowed',
  'auth.session_refreshed',
  'auth.signed_in',
  'auth.team_changed',
  'auth.team_created',
  'auth.team_deleted',
  'auth.team_member_added',
  'auth.team_member_changed',
  'auth.team_member_removed',
  'auth.token_created',
  'auth.token_exchanged',
  'auth.token_expired',
  'auth.token_expiring',
  'auth.token_reused',
  'auth.token_revoked',
  'auth.token_rotated',
  'auth.token_used_from_new_address',
  'auth.token_used_unusually',
  'auth.user_changed',
  'auth.user_created',
  'auth.user_password_set',
  'auth.user_removed',
  'auth.user_role_changed',
  'auth.user_sign_in_failed',
  'collection.created',
  'collection.deleted',
  'collection.updated',
  'document.created',
  'document.deleted',
  'document.repaired',
  'document.restored',
  'document.updated',
  'document.version_pinned',
  'document.version_unpinned',
  'entry.deleted',
  'entry.expired',
  'entry.set',
  'hook.received',
  'hook.refused',
  'lock.acquired',
  'lock.expired',
  'lock.forced',
  'lock.released',
  'lock.renewed',
  'stream.lagged',
  'stream.warning',
  'task.cancel_requested',
  'task.cancelled',
  'task.completed',
  'task.failed',
  'task.log',
  'task.logs_deleted',
  'task.lost',
  'task.part',
  'task.released',
  'task.retried',
  'task.started',
  'task.step',
  'task.submitted',
  'webhook.attempted',
  'webhook.created',
  'webhook.deleted',
  'webhook.disabled',
  'webhook.failing',
  'webhook.ping',
  'webhook.redelivered',
  'webhook.secret_rotated',
  'webhook.updated',
]

/**
 * What is probably wrong with a pattern that events are selected by; undefined when nothing seems to be. Names of events
 * are open, so no pattern is refused: the event may be somebody's own that nobody has triggered yet.
 */
function patternWarning(pattern: string): string | undefined {
  if (pattern === '*' || serverEventTypes.includes(pattern)) return undefined
  if (pattern.endsWith('.*')) return familyWarning(pattern)
  if (!isEventType(pattern)) return `No event has the type "${pattern}": types have the form a.b.${hint(pattern)}`
  const near = nearest(pattern, serverEventTypes)
  if (ownFamilyOf(pattern) !== undefined) return `The server writes no event "${pattern}".${hint(pattern)}`
  return near === undefined ? undefined : `The server writes no event "${pattern}".${hint(pattern)}`
}

function familyWarning(pattern: string): string | undefined {
  if (serverEventTypes.some((type) => type.startsWith(pattern.slice(0, -1)))) return undefined
  const family = nearest(pattern.slice(0, -2), ownFamilies)
  if (family === undefined) return undefined
  return `The server writes no events of the family "${pattern}". Did you mean "${family}.*"?`
}

function hint(pattern: string): string {
  const near = nearest(pattern, serverEventTypes)
  return near === undefined ? '' : ` Did you mean "${near}"?`
}

/** What is probably wrong with the types and families that events are selected by, one sentence each. */
export function eventWarnings(patterns: readonly string[]): string[] {
  return patterns.flatMap((pattern) => patternWarning(pattern) ?? [])
}
