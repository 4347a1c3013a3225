import type { IncomingHttpHeaders } from 'node:http'
import { errorMessage } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'
import { OutboundFailure } from '#platform/http/outbound-failure.ts'
import { SalesforceFailure } from './errors.ts'
import type { OrgState } from './org.ts'

/** An answer whose body was read. */
export interface SalesforceAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

type BadState = Exclude<OrgState, 'ACTIVE'>

const maxMessageLength = 500

/** What Salesforce's errors at the token endpoint mean for an org, by code and description. The first that matches decides. */
const oauthMeanings: readonly { readonly pattern: RegExp; readonly state: BadState }[] = [
  { pattern: /^rate_limit_exceeded|login rate/i, state: 'MAINTENANCE' },
  { pattern: /\bip restricted|login hours/i, state: 'BLOCKED' },
  { pattern: /^(inactive_org|org_locked)|organization is (locked|inactive|suspended)/i, state: 'LOCKED' },
  {
    pattern: /^(oauth_\w+|invalid_app_access|app_not_found|invalid_client\w*|unauthorized_client)\b/i,
    state: 'BLOCKED',
  },
  { pattern: /^(invalid_grant|inactive_user|access_denied)\b/i, state: 'NEEDS_REAUTHORIZATION' },
]

/** What error codes of the REST API mean for an org; others say nothing about it. */
const apiMeanings: Readonly<Record<string, BadState>> = {
  ORG_LOCKED: 'LOCKED',
  ORGANIZATION_LOCKED: 'LOCKED',
  INACTIVE_ORG: 'LOCKED',
  ORG_INACTIVE: 'LOCKED',
  API_DISABLED_FOR_ORG: 'BLOCKED',
  API_CURRENTLY_DISABLED: 'BLOCKED',
  IP_RESTRICTED: 'BLOCKED',
  SERVER_UNAVAILABLE: 'MAINTENANCE',
}

/** Refusals of the REST API that the same request may not meet again later. */
const passing = new Set(['REQUEST_LIMIT_EXCEEDED', 'UNABLE_TO_LOCK_ROW', 'REQUEST_RUNNING_TOO_LONG', 'QUERY_TIMEOUT'])

/** Why the token endpoint gave no token; never repeats a secret. */
export function oauthFailure(answer: SalesforceAnswer, secrets: readonly string[]): SalesforceFailure {
  const parsed = jsonOf(answer)
  if (!isRecord(parsed) || typeof parsed['error'] !== 'string') return withoutData(answer)
  const { error: reason } = parsed as { error: string }
  const description = parsed['error_description']
  const text = withoutSecrets(typeof description === 'string' ? `${reason}: ${description}` : reason, secrets)
  const meaning = oauthMeanings.find(({ pattern }) => pattern.test(text) || pattern.test(String(description)))
  const state = answer.status >= 500 ? 'MAINTENANCE' : meaning?.state
  return new SalesforceFailure(text, { reason: withoutSecrets(reason, secrets), state })
}

/** Why there is no whole answer. */
export function unanswered(cause: Error, url: string): SalesforceFailure {
  const reason = cause instanceof OutboundFailure ? cause.failure.toUpperCase() : 'UNREACHABLE'
  const message = `${new URL(url).host} can’t be reached: ${errorMessage(cause)}`
  return new SalesforceFailure(message, { reason, state: 'MAINTENANCE' }, { cause })
}

/** Why the API refused a request. */
export function apiFailure(answer: SalesforceAnswer, secrets: readonly string[]): SalesforceFailure {
  const { status } = answer
  if (String(answer.headers['content-type']).startsWith('text/xml')) return soapFailure(answer, secrets)
  const [first] = [jsonOf(answer)].flat()
  if (status === 401)
    return new SalesforceFailure('The access token is not valid.', {
      reason: 'INVALID_SESSION_ID',
      isSessionInvalid: true,
    })
  if (!isRecord(first)) return withoutData(answer)
  const reason = withoutSecrets(String(first['errorCode'] ?? first['error'] ?? `HTTP_${status}`), secrets)
  const said = first['message'] ?? first['error_description']
  const message = withoutSecrets(typeof said === 'string' ? `${reason}: ${said}` : reason, secrets)
  const state = status >= 500 || status === 420 ? 'MAINTENANCE' : apiMeanings[reason]
  return new SalesforceFailure(message, { reason, state, mayPass: passing.has(reason) })
}

/** What the SOAP API's faults say. */
function soapFailure({ status, body }: SalesforceAnswer, secrets: readonly string[]): SalesforceFailure {
  const text = body.toString('utf8')
  const [, reason = `HTTP_${status}`] = /<faultcode>(?:\w+:)?(\w+)<\/faultcode>/.exec(text) ?? []
  const [, said = reason] = /<faultstring>([^<]*)<\/faultstring>/.exec(text) ?? []
  const isSessionInvalid = reason === 'INVALID_SESSION_ID'
  const mayPass = passing.has(reason) || (status === 503 && reason === 'HTTP_503')
  return new SalesforceFailure(withoutSecrets(said, secrets), {
    reason,
    state: apiMeanings[reason],
    isSessionInvalid,
    mayPass,
  })
}

/** An answer that is no JSON: pages come during maintenance, and from orgs that were deleted. */
export function withoutData({ status }: SalesforceAnswer): SalesforceFailure {
  const message = `Salesforce answered with status ${status} and a page instead of data: it is under maintenance, or the org no longer exists.`
  return new SalesforceFailure(message, { reason: `HTTP_${status}`, state: 'MAINTENANCE' })
}

/** The body as JSON; undefined for anything else. */
export function jsonOf({ body }: SalesforceAnswer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  const clean = secrets.filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
  return clean.slice(0, maxMessageLength)
}
