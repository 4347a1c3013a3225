import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { attemptEvent, refusalEvent } from '#domain/access/events.ts'
import { findOldestAccount } from '#domain/access/sign-in/identity-store.ts'
import { findTokensByHash, type KnownToken } from '#domain/access/tokens/token-store.ts'
import { addressBlock } from '#lib/address.ts'
import type { Clock } from '#lib/clock.ts'
import { compositeKey } from '#lib/composite-key.ts'
import { AppError } from '#lib/errors.ts'
import { IncidentWindows, type Told } from '#lib/incident-windows.ts'
import { storableText } from '#lib/json.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { countRefusals, markRefusalsTold, type Refusals } from './incident-store.ts'

/** So many refusals of one credential within so many minutes are reported once as repeated. */
const repeatedly = { count: 10, minutes: 5 } as const
/** How many known callers, and how many addresses of unknown ones, are counted separately in a minute. */
const maxCallers = 1_000
const maxAddresses = 20
const maxResourceLength = 256

interface Refusal {
  readonly caller: Caller
  readonly sufficientScopes: readonly string[]
  readonly resource: string | undefined
}

interface Counted extends Refusals {
  /** One of those that were refused with the credential. */
  readonly caller: Caller
}

interface Attempt {
  readonly method: string
  readonly reason: string
  readonly request: RequestOrigin
  readonly token: ShownToken | undefined
}

/** A token that was shown and is not valid. */
interface ShownToken {
  /** SHA-256. */
  readonly hash: Uint8Array
  /** Whether it was valid once: then it is reported by itself, and not among those that strangers make up. */
  readonly isKnown: boolean
}

/**
 * Refused callers, gathered in memory and written to the journal a second later: these calls write no state, so their cost
 * must not grow with their number.
 */
export class Incidents {
  readonly #transact: Transact
  readonly #clock: Clock
  readonly #refusals = new IncidentWindows<Refusal>(maxCallers)
  readonly #attempts = new IncidentWindows<Attempt>(maxAddresses)
  /** Refusals by credential. */
  #counts = new Map<string, Counted>()

  constructor(transact: Transact, clock: Clock) {
    this.#transact = transact.quiet('how often callers were refused')
    this.#clock = clock
  }

  /** A caller who is known lacks a scope. */
  refused(caller: Caller, sufficientScopes: readonly string[], resource: string | undefined): void {
    const { accountId, credential } = caller
    const incident = {
      caller,
      sufficientScopes,
      resource: resource && storableText(resource.slice(0, maxResourceLength)),
    }
    const key = compositeKey(resource ?? '', ...sufficientScopes)
    this.#refusals.add(credential.id, key, incident, this.#now())
    this.#count({ accountId, credentialId: credential.id, count: 1, caller })
  }

  #count(more: Counted): void {
    const known = this.#counts.get(more.credentialId)
    if (known !== undefined || this.#counts.size < maxCallers)
      this.#counts.set(more.credentialId, { ...more, count: more.count + (known?.count ?? 0) })
  }

  /** Somebody has not proved who they are. */
  attempted(method: string, reason: string, request: RequestOrigin, token?: ShownToken): void {
    const which = token?.isKnown ? Buffer.from(token.hash).toString('base64') : ''
    const key = compositeKey(method, reason, which)
    this.#attempts.add(addressBlock(request.address), key, { method, reason, request, token }, this.#now())
  }

  /** What `work` answers; what it refuses is noted as an attempt. */
  async watch<T>(method: string, request: RequestOrigin, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isRefusal(error)) this.attempted(method, error.code, request)
      throw error
    }
  }

  /** Writes down what there is to tell; at the end of all, `everything`, also of minutes that are not over. */
  async tell({ everything = false } = {}): Promise<void> {
    const until = everything ? Number.POSITIVE_INFINITY : this.#now()
    const refusals = this.#refusals.take(until)
    const attempts = this.#attempts.take(until)
    const counts = [...this.#counts.values()].sort((a, b) => (a.credentialId < b.credentialId ? -1 : 1))
    this.#counts = new Map()
    if (refusals.length + attempts.length + counts.length === 0) return
    try {
      await this.#transact(async (tx) => {
        for (const refusal of refusals) tellRefusal(tx, refusal)
        if (attempts.length > 0) await tellAttempts(tx, attempts)
        if (counts.length > 0) await tellRepeated(tx, counts)
      })
    } catch (error) {
      // The database is unreachable, say: reported once it is back.
      this.#refusals.giveBack(refusals)
      this.#attempts.giveBack(attempts)
      for (const counted of counts) this.#count(counted)
      throw error
    }
  }

  #now(): number {
    return this.#clock.now().getTime()
  }
}

function isRefusal(error: unknown): error is AppError {
  return error instanceof AppError && ['unauthenticated', 'forbidden', 'rate-limited'].includes(error.kind)
}

function tellRefusal(tx: Transaction, { incident, suppressed }: Told<Refusal>): void {
  const { caller, sufficientScopes, resource } = incident
  const data = { sufficientScopes, ...(resource !== undefined && { resource }), ...(suppressed > 0 && { suppressed }) }
  tx.journal(refusalEvent('auth.refused', credentialOf(caller), caller.by(), data))
}

function credentialOf({ accountId, credential: { kind, id } }: Caller) {
  return { accountId, kind: kind === 'provider' ? 'user' : kind, id }
}

/** Reports attempts with an account's own expired or revoked tokens to that account, and all others to the first account, whose owner runs the installation. */
async function tellAttempts(tx: Transaction, attempts: readonly Told<Attempt>[]): Promise<void> {
  const known = await findTokensByHash(
    tx,
    attempts.flatMap(({ incident }) => incident.token?.hash ?? []),
  )
  const operator = await findOldestAccount(tx)
  for (const { incident, suppressed } of attempts) {
    const { method, reason, request, token: shown } = incident
    const token = shown && known.find((one) => one.hash.equals(shown.hash))
    const accountId = token?.accountId ?? operator
    if (accountId === undefined) continue
    const which = token && { token: factsOf(token) }
    tx.journal(attemptEvent(accountId, request, { method, reason, ...which, ...(suppressed > 0 && { suppressed }) }))
  }
}

function factsOf({ id, name, ended, successorId }: KnownToken) {
  return { id, name, ...(ended !== null && { ended }), ...(successorId !== null && { successor: successorId }) }
}

async function tellRepeated(tx: Transaction, counts: readonly Counted[]) {
  for (const counted of await countRefusals(tx, counts, repeatedly.minutes)) {
    if (counted.told || counted.count < repeatedly.count) continue
    const caller = counts.find(({ credentialId }) => credentialId === counted.credentialId)?.caller
    if (caller === undefined) continue
    await markRefusalsTold(tx, counted)
    const data = { count: counted.count }
    tx.journal(refusalEvent('auth.refused_repeatedly', credentialOf(caller), caller.by(), data))
  }
}
