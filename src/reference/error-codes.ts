import type { RefusalCode } from '#transport/rest/codes.ts'

interface Explanation {
  readonly meaning: string
  readonly action: string
}

/** What each code tells its caller; a new code does not compile without a row here. */
export const errorExplanations: Readonly<Record<RefusalCode, Explanation>> = {
  INVALID_INPUT: { meaning: 'The content is not valid; `issues` says where and why.', action: 'Correct it.' },
  UNKNOWN_TASK_TYPE: {
    meaning: 'This server has no such task type; the message lists those that exist.',
    action: 'Use one of these, or add it to the configuration.',
  },
  SCHEMA_VIOLATION: {
    meaning: 'A new or existing document does not match the schema; the message says where and why.',
    action: 'Correct it.',
  },
  MALFORMED_REQUEST: {
    meaning: 'Not valid HTTP or JSON, not UTF-8, or an unknown query parameter.',
    action: 'Correct it.',
  },
  UNAUTHENTICATED: {
    meaning:
      'No token, or one that is unknown, expired, revoked or of a suspended account, as the message says; also if it ends while a request waits.',
    action: 'Send `Authorization: Bearer <token>`.',
  },
  FORBIDDEN: {
    meaning:
      'The token lacks a scope, the person lacks a role, or another caller holds the lock. The message, and in GraphQL `extensions.sufficientScopes`, say what would be enough.',
    action: 'Use another token.',
  },
  SCOPE_NOT_HELD: {
    meaning:
      'The caller lacks a scope that the request would grant, change or take away: of a new token, a person’s role, or a session or token to be ended.',
    action: 'Ask for less, or use a caller that has it.',
  },
  OWN_ROLE: { meaning: 'You cannot raise your own role.', action: 'Ask another owner.' },
  ACCESS_DENIED: { meaning: 'A person refused the device.', action: 'Start again if that was a mistake.' },
  OPERATION_NOT_PERSISTED: {
    meaning: 'With `PERSISTED_OPERATIONS`, only those operations are answered.',
    action: 'Have the operation added.',
  },
  NOT_FOUND: { meaning: 'The account has no such thing.', action: 'Check the id.' },
  VERSION_CONFLICT: {
    meaning: 'The document or entry is at another version; the failure has it, and who wrote it.',
    action: 'Read it and decide again.',
  },
  PRECONDITION_FAILED: {
    meaning: 'The same, because of `If-Match` or `If-None-Match`.',
    action: 'Read it and decide again.',
  },
  VERSION_REQUIRED: {
    meaning: 'The collection requires each write to name the version that it changes.',
    action: 'Send `expectedVersion`, or `If-Match`.',
  },
  PATCH_FAILED: {
    meaning: 'An operation of the JSON Patch does not apply to the document, or its `test` failed.',
    action: 'Read the document and send another patch.',
  },
  ALREADY_EXISTS: {
    meaning: 'The collection, e-mail address, team slug or membership already exists.',
    action: 'Choose another, or do nothing.',
  },
  TASK_ALREADY_ENDED: { meaning: 'The task has ended; the message says how.', action: 'Nothing.' },
  NO_APPROVAL_PENDING: {
    meaning: 'The task does not wait for this approval, or no longer; the message says why.',
    action: 'Look at its `approvals`.',
  },
  SELF_APPROVAL: {
    meaning: 'The type of the task does not let the one who submitted it approve or reject.',
    action: 'Have somebody else decide.',
  },
  TOO_MANY_SIGNALS: {
    meaning: 'The task has not waited for the signals that were sent so far.',
    action: 'Send more once it has.',
  },
  TASK_NOT_RETRYABLE: {
    meaning: 'The task has neither failed nor been cancelled.',
    action: 'Wait until it ends, or submit a new one.',
  },
  TASK_DOES_NOT_RECUR: {
    meaning: 'The task runs once, so there are no further runs to stop.',
    action: 'Cancel it instead.',
  },
  SCHEDULE_ENDED: { meaning: 'The schedule has no further runs.', action: 'Create another.' },
  ACCOUNT_STATE: {
    meaning: 'The account is suspended or not suspended, or is the first account, as the message says.',
    action: 'See `account list`.',
  },
  ACCOUNT_REQUIRED: {
    meaning: 'The person belongs to several accounts; the message lists them.',
    action: 'Repeat it with `account`.',
  },
  LOCK_HELD: {
    meaning: 'Another caller holds the lock; the message says who, and until when.',
    action: 'Wait, or try again later.',
  },
  FENCE_LOST: {
    meaning: 'The lock is no longer held with this fence; nothing was written.',
    action: 'Acquire the lock again and start over.',
  },
  LEASE_LOST: {
    meaning: 'The worker does not have this lease any more: it ran out, or the attempt has ended. Nothing was written.',
    action: 'Drop the work: another attempt may have begun.',
  },
  NOT_A_NUMBER: { meaning: 'Only a whole number can be incremented.', action: 'Set the entry.' },
  OUT_OF_BOUNDS: { meaning: 'The sum would exceed `min` or `max`; nothing was added.', action: 'Nothing.' },
  LAST_OWNER: {
    meaning: 'An account, or a team that has owners, would be left without one.',
    action: 'Make someone else an owner first.',
  },
  LAST_TEAM: { meaning: 'The account’s last team cannot be deleted.', action: 'Create another first.' },
  WEBHOOK_NOT_ACTIVE: { meaning: 'The webhook is disabled.', action: 'Set it ACTIVE first.' },
  SALESFORCE_CONNECTION_FAILED: {
    meaning: 'A Salesforce org can’t be connected to with what was given; the message has Salesforce’s own.',
    action: 'Correct it, or have the app set up in the org.',
  },
  SALESFORCE_ORG_UNUSABLE: {
    meaning: 'The Salesforce org can’t be used now; `state` and the message say why.',
    action: 'Register it again if it is NEEDS_REAUTHORIZATION; otherwise try again later.',
  },
  TOKEN_ENDED: { meaning: 'The application token has expired or was revoked.', action: 'Create a new one.' },
  TOKEN_SHOWN: {
    meaning: 'An earlier request with this key created the token and returned it; it is not stored.',
    action: 'Rotate the token if you lost it.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    meaning: 'The key belongs to a request or task that asked for something else.',
    action: 'Use a new key for a new request.',
  },
  AUTHORIZATION_PENDING: {
    meaning: 'Nobody has approved or refused the device yet.',
    action: 'Ask again after the interval.',
  },
  SLOW_DOWN: { meaning: 'The device polls too often.', action: 'Increase the interval, as the answer says.' },
  EXPIRED_TOKEN: { meaning: 'The device code has expired.', action: 'Start again.' },
  INVALID_CURSOR: { meaning: 'Not a cursor of this account and list.', action: 'Start without a cursor.' },
  CURSOR_EXPIRED: {
    meaning: 'The events after the cursor are no longer available.',
    action: 'Read the current state and continue from its cursor.',
  },
  RESULT_EXPIRED: { meaning: 'The result was deleted after its retention.', action: 'Submit the task again.' },
  METHOD_NOT_ALLOWED: {
    meaning: 'The path supports other methods; `Allow` lists them.',
    action: 'Use one of these.',
  },
  NOT_ACCEPTABLE: { meaning: 'None of the media types in `Accept` is available.', action: 'Accept JSON.' },
  TOO_LARGE: { meaning: 'The body is larger than the limit.', action: 'Send less.' },
  REQUEST_TIMEOUT: {
    meaning: 'The body of a request without a valid token arrived too slowly.',
    action: 'Send it faster.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    meaning: 'The body is not JSON, is compressed, or is in a charset other than UTF-8.',
    action: 'Send `Content-Type: application/json` in UTF-8, without `Content-Encoding`.',
  },
  RANGE_NOT_SATISFIABLE: { meaning: 'The range starts after the end of the part.', action: 'Start at 0, or later.' },
  TOO_COMPLEX: {
    meaning:
      'The operation is larger, costs more or takes longer than the limits allow; GraphQL answers 400 if it was not started.',
    action: 'Ask for less at once, or declare an index.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    meaning: 'GraphQL only: a query’s hash came without its text (Apollo’s automatic persisted queries).',
    action: 'Send the text; Apollo’s clients do so by themselves.',
  },
  QUOTA_EXCEEDED: {
    meaning: 'The account has used up a quota; `quota`, `limit` and `used` say which.',
    action: 'Delete something or wait, or ask the operator.',
  },
  RATE_LIMITED: {
    meaning: 'Too many requests, too much cost, or too much open at once; see the `RateLimit` header.',
    action: 'Try again after `Retry-After`.',
  },
  UPSTREAM_FAILED: {
    meaning: 'An OpenID provider, a webhook’s receiver or Salesforce does not answer as it should.',
    action: 'Check it and try again.',
  },
  UNAVAILABLE: {
    meaning: 'The database does not answer or has no space, or callers without a token send more at once than is held.',
    action: 'Try again after `Retry-After`.',
  },
  STARTUP_FAILED: {
    meaning: 'The server, or a command that works on its database, could not start; the message says why.',
    action: 'Correct what it names.',
  },
  INTERNAL: { meaning: 'A bug; the message has the id under which the log has the details.', action: 'Report it.' },
}
