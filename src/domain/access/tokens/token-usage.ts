import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { tokenEvent } from '#domain/access/events.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import { noteUse, type TokenUse, takeExpired } from './token-store.ts'

const system: Actor = { kind: 'system', id: 'access', name: 'access' }
const expiredAtOnce = 100

/** How application tokens are used, gathered in memory and written down now and then instead of with each request. */
export class TokenUsage {
  readonly #transact: Transact
  #uses = new Map<string, TokenUse>()

  constructor(transact: Transact) {
    this.#transact = transact
  }

  /** Counts a request that was admitted with a token. */
  note(
    { accountId, credential }: Pick<Caller, 'accountId' | 'credential'>,
    { address, userAgent }: RequestOrigin,
  ): void {
    if (credential.kind !== 'token') return
    // A token in use at several addresses has a line for each, so that none hides behind another.
    const key = `${credential.id} ${address}`
    const calls = (this.#uses.get(key)?.calls ?? 0) + 1
    this.#uses.set(key, { accountId, id: credential.id, calls, at: new Date(), address, userAgent })
  }

  /** Writes down what was gathered, and tells of addresses that a token came from for the first time. */
  async flush(): Promise<void> {
    const uses = [...this.#uses.values()]
    if (uses.length === 0) return
    this.#uses = new Map()
    // One statement changes a row once: what one token did from several addresses goes in several rounds.
    for (const round of rounds(uses)) await this.#write(round)
  }

  async #write(uses: readonly TokenUse[]): Promise<void> {
    await this.#transact(async (tx) => {
      for (const { name, address, isNewAddress, ...token } of await noteUse(tx, uses))
        if (isNewAddress)
          tx.journal(tokenEvent('auth.token_used_from_new_address', token, { actor: system }, { name, address }))
    })
  }

  /** Tells, once for each, of tokens that have expired. */
  async tellExpired(): Promise<void> {
    await this.#transact(async (tx) => {
      for (const { name, expiresAt, ...token } of await takeExpired(tx, expiredAtOnce))
        tx.journal(
          tokenEvent('auth.token_expired', token, { actor: system }, { name, expiresAt: expiresAt.toISOString() }),
        )
    })
  }
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
