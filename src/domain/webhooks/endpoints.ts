import { LRUCache } from 'lru-cache'
import { SharedRead } from '#platform/database/shared-read.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { type Endpoint, type EventRules, openEndpoint } from './endpoint.ts'
import { readVersions, readWebhooks } from './store/webhooks.ts'

/** An account's webhooks, by their ids. */
export type AccountEndpoints = ReadonlyMap<string, Endpoint>

const maxAccounts = 1_000
const none: AccountEndpoints = new Map()

interface Known {
  readonly versions: string
  readonly read: SharedRead<AccountEndpoints>
}

/** The webhooks of the accounts in use, opened once and not for each event. */
export class Endpoints {
  readonly #sql: Sql
  readonly #secrets: SecretBox
  readonly #rules: EventRules
  readonly #known = new LRUCache<string, Known>({ max: maxAccounts })

  constructor(options: { sql: Sql; secrets: SecretBox; rules: EventRules }) {
    this.#sql = options.sql
    this.#secrets = options.secrets
    this.#rules = options.rules
  }

  /** As they are in the database at this moment, for each account; those without webhooks are missing. */
  async of(sql: Sql, accountIds: readonly string[]): Promise<Map<string, AccountEndpoints>> {
    const versions = await readVersions(sql, accountIds)
    const found = new Map<string, AccountEndpoints>()
    for (const [accountId, text] of versions) found.set(accountId, await this.#load(sql, accountId, text))
    return found
  }

  /** As they were when last looked at, or are now when that was never. */
  async known(accountId: string): Promise<AccountEndpoints> {
    const known = this.#known.get(accountId)
    if (known !== undefined) return known.read.value
    return (await this.of(this.#sql, [accountId])).get(accountId) ?? none
  }

  /** Something about the account's webhooks has changed. */
  forget(accountId: string): void {
    this.#known.delete(accountId)
  }

  /** The database may have gone back: nothing that was read before is believed. */
  forgetAll(): void {
    this.#known.clear()
  }

  #load(sql: Sql, accountId: string, versions: string): Promise<AccountEndpoints> {
    const known = this.#known.get(accountId)
    if (known?.versions === versions && known.read.isFor(sql)) return known.read.value
    const read = new SharedRead(sql, () => this.#open(sql, accountId))
    read.value.catch(() => this.#known.delete(accountId))
    this.#known.set(accountId, { versions, read })
    return read.value
  }

  async #open(sql: Sql, accountId: string): Promise<AccountEndpoints> {
    const rows = await readWebhooks(sql, accountId)
    const opened = await Promise.all(rows.map((row) => openEndpoint(row, this.#secrets, this.#rules)))
    return new Map(opened.map((endpoint) => [endpoint.id, endpoint]))
  }
}
