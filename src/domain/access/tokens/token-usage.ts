import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { tokenEvent } from '#domain/access/events.ts'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import {
  findUsualCalls,
  markHourTold,
  noteHours,
  noteUse,
  type TokenHour,
  type TokenUse,
  takeExpired,
  takeExpiring,
} from './token-store.ts'

const system: Actor = { kind: 'system', id: 'access', name: 'access' }
const expiredAtOnce = 100

/**
 * What is unusual: this hour's calls are more than ten times the median of the hours of the past week in which the token
 * was used at all, three of them at least, and more than a thousand. A new token has nothing that is usual yet.
 */
const unusual = { times: 10, calls: 1_000, hours: 3 } as const

/** The use of application tokens, counted in memory and stored periodically instead of with each request. */
export class TokenUsage {
  readonly #transact: Transact
  #uses = new Map<CompositeKey, TokenUse>()

  constructor(transact: Transact) {
    this.#transact = transact.quiet('how often tokens are used')
  }

  /** Counts a request that was admitted with a token. */
  note(
    { accountId, credential }: Pick<Caller, 'accountId' | 'credential'>,
    { address, userAgent }: RequestOrigin,
  ): void {
    if (credential.kind !== 'token') return
    // A token that is used from several addresses has an item for each, so that none is missed.
    const key = compositeKey(credential.id, address)
    const calls = (this.#uses.get(key)?.calls ?? 0) + 1
    this.#uses.set(key, { accountId, id: credential.id, calls, at: new Date(), address, userAgent })
  }

  /** Stores what was counted, and reports tokens that were used from a new address. */
  async flush(): Promise<void> {
    const uses = [...this.#uses.values()]
    if (uses.length === 0) return
    this.#uses = new Map()
    // One statement changes a row once: what one token did from several addresses goes in several rounds.
    for (const round of rounds(uses)) await this.#write(round)
    await this.#transact((tx) => reportUnusual(tx, totals(uses)))
  }

  async #write(uses: readonly TokenUse[]): Promise<void> {
    await this.#transact(async (tx) => {
      for (const { name, address, isNewAddress, ...token } of await noteUse(tx, uses))
        if (isNewAddress)
          tx.journal(tokenEvent('auth.token_used_from_new_address', token, { actor: system }, { name, address }))
    })
  }

  /** Reports tokens that have expired and those that soon will, each once. */
  async reportExpired(): Promise<void> {
    await this.#transact(async (tx) => {
      const ended = await takeExpired(tx, expiredAtOnce)
      const ending = await takeExpiring(tx, expiredAtOnce)
      const report = (type: 'auth.token_expired' | 'auth.token_expiring', tokens: typeof ended) => {
        for (const { name, expiresAt, ...token } of tokens)
          tx.journal(tokenEvent(type, token, { actor: system }, { name, expiresAt: expiresAt.toISOString() }))
      }
      report('auth.token_expired', ended)
      report('auth.token_expiring', ending)
    })
  }
}

async function reportUnusual(tx: Transaction, uses: readonly Pick<TokenUse, 'accountId' | 'id' | 'calls'>[]) {
  for (const hour of await noteHours(tx, uses))
    if (!hour.told && hour.calls > unusual.calls) await reportIfUnusual(tx, hour)
}

async function reportIfUnusual(tx: Transaction, hour: TokenHour): Promise<void> {
  const usual = await findUsualCalls(tx, hour)
  if (usual === undefined || usual.hours < unusual.hours || hour.calls <= usual.median * unusual.times) return
  await markHourTold(tx, hour)
  const data = { name: usual.name, calls: hour.calls, usualCalls: usual.median }
  tx.journal(tokenEvent('auth.token_used_unusually', hour, { actor: system }, data))
}

/** Each token once, with its calls from everywhere; always in the same order, so that two processes don't wait for each other. */
function totals(uses: readonly TokenUse[]): Pick<TokenUse, 'accountId' | 'id' | 'calls'>[] {
  const calls = new Map<string, Pick<TokenUse, 'accountId' | 'id' | 'calls'>>()
  for (const { accountId, id, calls: more } of uses)
    calls.set(id, { accountId, id, calls: (calls.get(id)?.calls ?? 0) + more })
  return [...calls.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** The uses in groups in which no token stands twice. */
function rounds(uses: readonly TokenUse[]): TokenUse[][] {
  const groups: TokenUse[][] = []
  const count = new Map<string, number>()
  for (const use of uses) {
    const index = count.get(use.id) ?? 0
    count.set(use.id, index + 1)
    groups[index] = [...(groups[index] ?? []), use]
  }
  return groups
}
