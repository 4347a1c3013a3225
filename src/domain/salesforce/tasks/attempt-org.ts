import { getCACertificates } from 'node:tls'
import { createCall } from '#domain/salesforce/calls.ts'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import { apiFailure, jsonOf, type SalesforceAnswer, unanswered, withoutData } from '#domain/salesforce/failure.ts'
import { SalesforceHosts } from '#domain/salesforce/hosts.ts'
import { PermanentFailure, type ServerTaskContext, TaskFailure } from '#domain/tasks/task-type.ts'
import { GuardedFetch, type OpenedResponse } from '#platform/http/guarded-fetch.ts'
import { OutboundFailure } from '#platform/http/outbound-failure.ts'
import { ask } from './ask.ts'
import type { AttemptSession } from './org-requests.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

interface OrgCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Behind `/services/data/vNN.0`; an address that begins with `/services/` is taken as it is. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, or as it is. */
  readonly body?: object | string | Buffer
  readonly timeoutMs?: number
  readonly maxBytes?: number
  /** Undefined: the attempt's own. */
  readonly signal?: AbortSignal
}

/** How many of a day's API calls an org has made, as it said last. */
export interface ApiUsage {
  readonly used: number
  readonly max: number
}

type Context = ServerTaskContext<{ readonly org?: string | undefined }>

/** An org as one attempt works with it. An access token that Salesforce takes no longer is replaced, and the call repeated. */
export class AttemptOrg {
  usage: ApiUsage | undefined
  readonly #context: Context
  readonly #outbound: GuardedFetch
  readonly #call: ReturnType<typeof createCall>
  #session: AttemptSession
  #isKnownActive: boolean

  constructor(
    context: Context,
    session: AttemptSession,
    { outbound, hosts }: { outbound: GuardedFetch; hosts: SalesforceHosts },
  ) {
    this.#context = context
    this.#session = session
    this.#isKnownActive = session.wasActive
    this.#outbound = outbound
    this.#call = createCall(outbound, hosts)
  }

  /** The id of the registered org. */
  get id(): string {
    return this.#session.id
  }

  get username(): string {
    return this.#session.username
  }

  get apiVersion(): string {
    return this.#session.apiVersion
  }

  /** What Salesforce answers with, as JSON; undefined for an empty answer. @throws {SalesforceFailure} */
  async json<T>(asked: OrgCall): Promise<T> {
    const answer = await this.whole(asked)
    if (answer.body.length === 0) return undefined as T
    const parsed = jsonOf(answer)
    if (parsed === undefined) throw withoutData(answer)
    return parsed as T
  }

  /** An answer that is read as a whole. @throws {SalesforceFailure} */
  whole({ maxBytes, ...asked }: OrgCall): Promise<SalesforceAnswer> {
    return this.#withSession(async (session) => {
      const call = {
        ...requestOf(session, asked),
        timeoutMs: asked.timeoutMs ?? callTimeoutMs,
        signal: this.#signalOf(asked),
      }
      const answer = await this.#call({ ...call, ...(maxBytes !== undefined && { maxBytes }) })
      this.#noteUsage(answer)
      if (answer.status >= 400) throw apiFailure(answer, [session.accessToken])
      return answer
    })
  }

  /** An answer that is read as it comes. @throws {SalesforceFailure} */
  open(asked: OrgCall & { readonly timeoutMs: number; readonly maxBytes: number }): Promise<OpenedResponse> {
    return this.#withSession(async (session) => {
      const { timeoutMs, maxBytes } = asked
      const request = { ...requestOf(session, asked), timeoutMs, maxBytes, signal: this.#signalOf(asked) }
      const answer = await this.#outbound.open(request).catch((error: unknown) => {
        throw error instanceof OutboundFailure ? unanswered(error, request.url) : error
      })
      this.#noteUsage(answer)
      if (answer.status < 400) return answer
      const chunks: Uint8Array[] = []
      for await (const chunk of answer.body) chunks.push(chunk)
      throw apiFailure({ ...answer, body: Buffer.concat(chunks) }, [session.accessToken])
    })
  }

  /** As {@link whole}, for SOAP: `body` makes the envelope of a session. */
  soap(
    body: (session: AttemptSession) => string,
    limits: { timeoutMs: number; maxBytes: number },
  ): Promise<SalesforceAnswer> {
    return this.#withSession(async (session) => {
      const url = `${session.instanceUrl}/services/Soap/m/${session.apiVersion}`
      const headers = { 'content-type': 'text/xml; charset=utf-8', accept: 'text/xml', soapaction: '""' }
      const signal = this.#context.signal
      const answer = await this.#call({ method: 'POST', url, headers, body: body(session), signal, ...limits })
      if (answer.status >= 400) throw apiFailure(answer, [session.accessToken])
      return answer
    })
  }

  #signalOf({ signal }: OrgCall): AbortSignal {
    return signal ?? this.#context.signal
  }

  async #withSession<T>(work: (session: AttemptSession) => Promise<T>): Promise<T> {
    const first = this.#session
    try {
      return await this.#noted(() => work(first))
    } catch (error) {
      if (!(error instanceof SalesforceFailure && error.isSessionInvalid)) throw error
      if (this.#session === first) this.#session = await sessionOf(this.#context, first.accessVersion)
      return this.#noted(() => work(this.#session))
    }
  }

  /** Lets the server know when what Salesforce answers says something new about the org. */
  async #noted<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      if (!this.#isKnownActive) await this.#noteState('ACTIVE', null)
      return result
    } catch (error) {
      const state = error instanceof SalesforceFailure ? error.state : undefined
      if (state !== undefined && state !== 'NEEDS_REAUTHORIZATION')
        await this.#noteState(state, (error as Error).message)
      throw error
    }
  }

  async #noteState(state: 'ACTIVE' | 'BLOCKED' | 'LOCKED' | 'MAINTENANCE', message: string | null): Promise<void> {
    this.#isKnownActive = state === 'ACTIVE'
    await ask(this.#context, { kind: 'state', orgId: this.id, state, message })
  }

  #noteUsage({ headers }: Pick<SalesforceAnswer, 'headers'>): void {
    const [, used, max] = /api-usage=(\d+)\/(\d+)/.exec(String(headers['sforce-limit-info'] ?? '')) ?? []
    if (used !== undefined && max !== undefined) this.usage = { used: Number(used), max: Number(max) }
  }
}

const callTimeoutMs = 60_000

function requestOf({ instanceUrl, apiVersion, accessToken }: AttemptSession, { method, path, headers, body }: OrgCall) {
  const base = path.startsWith('/services/') ? '' : `/services/data/v${apiVersion}`
  const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
  return {
    method,
    url: `${instanceUrl}${base}${path}`,
    headers: {
      accept: 'application/json',
      'user-agent': 'Signalbox',
      authorization: `Bearer ${accessToken}`,
      ...(isJson && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: isJson ? JSON.stringify(body) : (body as string | Buffer | undefined),
  }
}

/** Before an attempt gives up its rights: certificates that only the server may read. */
export function readCertificates(): void {
  getCACertificates('default')
  getCACertificates('extra')
}

/**
 * Does an attempt's work with an org. What Salesforce refuses fails the attempt in Salesforce's own words; another attempt
 * may follow if that may pass. @throws {TaskFailure}
 */
export async function withOrg<T>(
  { egressAllow, salesforceHosts }: SalesforceTypeOptions,
  context: Context,
  work: (org: AttemptOrg) => Promise<T>,
): Promise<T> {
  const outbound = new GuardedFetch({ egressAllow, connections: 4 })
  try {
    const session = await sessionOf(context)
    return await work(new AttemptOrg(context, session, { outbound, hosts: new SalesforceHosts(salesforceHosts) }))
  } catch (error) {
    throw attemptFailure(error)
  } finally {
    await outbound.close()
  }
}

function sessionOf(context: Context, staleVersion?: number): Promise<AttemptSession> {
  return ask(context, { kind: 'session', org: context.input.org, staleVersion })
}

function attemptFailure(error: unknown): unknown {
  if (!(error instanceof SalesforceFailure)) return error
  const code = /^[A-Z][A-Z0-9_]{0,63}$/.test(error.reason) ? error.reason : 'SALESFORCE_REFUSED'
  return error.mayPass
    ? new TaskFailure(error.message, code, { cause: error })
    : new PermanentFailure(error.message, code, { cause: error })
}
