import { LRUCache } from 'lru-cache'
import type { Clock } from '#lib/clock.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Identity } from './caller.ts'
import { Unauthenticated } from './errors.ts'
import { subjectId } from './events.ts'
import { grantsOf } from './scope.ts'
import { hashToken } from './tokens/token.ts'
import { findToken } from './tokens/token-store.ts'

/** How long what was read of a credential is believed, in milliseconds; the journal tells of changes sooner. */
const believedMs = 1_000
const mostKept = 10_000
const longestToken = 4_096

/** Who holds a credential, without asking the database for each request. */
export class Credentials {
  readonly #sql: Sql
  readonly #clock: Clock
  readonly #known = new LRUCache<string, Identity>({ max: mostKept, ttl: believedMs })
  /** The keys under which a credential is kept, by its id. */
  readonly #keys = new LRUCache<string, string>({ max: mostKept })

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql
    this.#clock = clock
  }

  /** Who holds this token. @throws {Unauthenticated} when nobody does, or not any more. */
  async identify(token: string | undefined): Promise<Identity> {
    if (token === undefined || token === '' || token.length > longestToken) throw new Unauthenticated()
    const hash = hashToken(token)
    const key = hash.toString('base64')
    const identity = this.#known.get(key) ?? (await this.#load(key, hash))
    if (identity === undefined || this.#hasEnded(identity)) throw new Unauthenticated()
    return identity
  }

  /** Forgets the credential that an entry of the journal says is no longer what it was. */
  heed({ type, subject }: JournalEntry): void {
    const id = type.startsWith('auth.') ? subjectId('token', subject) : undefined
    const key = id === undefined ? undefined : this.#keys.get(id)
    if (key !== undefined) this.#known.delete(key)
  }

  #hasEnded({ expiresAt }: Identity): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now()
  }

  async #load(key: string, hash: Uint8Array): Promise<Identity | undefined> {
    const row = await findToken(this.#sql, hash)
    if (row === undefined) return undefined
    const { accountId, id, name, role, scopes, expiresAt } = row
    const identity: Identity = {
      accountId,
      actor: { kind: 'application', id, name },
      role,
      grants: grantsOf(scopes),
      credential: { kind: 'token', id },
      expiresAt,
    }
    this.#known.set(key, identity)
    this.#keys.set(id, key)
    return identity
  }
}
