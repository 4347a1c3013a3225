import type { GuardedFetch, OutboundRequest } from '#platform/http/guarded-fetch.ts'
import { OutboundFailure } from '#platform/http/outbound-failure.ts'
import { SalesforceFailure } from './errors.ts'
import { type SalesforceAnswer, unanswered } from './failure.ts'
import type { SalesforceHosts } from './hosts.ts'

interface CallOptions {
  readonly method: OutboundRequest['method']
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer | undefined
  /** For the whole call, in milliseconds. */
  readonly timeoutMs?: number
  readonly maxBytes?: number
  readonly signal?: AbortSignal | undefined
}

/** Calls a host of Salesforce. @throws {SalesforceFailure} when there is no whole answer */
export type Call = (options: CallOptions) => Promise<SalesforceAnswer>

const defaultTimeoutMs = 15_000
/** The largest answer; lists come in pages far below it. */
const defaultMaxBytes = 32 * 1024 * 1024

/** Makes the one way from here to Salesforce: to its hosts only, by the rules of outbound calls. */
export function createCall(outbound: Pick<GuardedFetch, 'fetch'>, hosts: SalesforceHosts): Call {
  return async ({ timeoutMs = defaultTimeoutMs, maxBytes = defaultMaxBytes, headers = {}, ...call }) => {
    if (!hosts.has(call.url)) throw foreignHost(call.url)
    const all = { accept: 'application/json', 'user-agent': 'Signalbox', ...headers }
    const request = { ...call, headers: all, timeoutMs, maxBytes, keptBytes: maxBytes }
    const answer = await outbound.fetch(request).catch((error: unknown) => {
      throw error instanceof OutboundFailure ? unanswered(error, call.url) : error
    })
    if (answer.bodyError !== undefined) throw unanswered(answer.bodyError, call.url)
    return answer
  }
}

/** Where an org claims to be, if that is elsewhere. */
export function foreignHost(url: string): SalesforceFailure {
  const host = URL.parse(url)?.host ?? 'it'
  return new SalesforceFailure(
    `Salesforce refers to the host ${host}, which is not one of its own; SALESFORCE_HOSTS can allow it.`,
    { reason: 'FOREIGN_HOST' },
  )
}
