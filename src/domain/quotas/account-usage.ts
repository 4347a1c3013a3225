import { type Amounts, type QuotaName, type QuotaState, type Quotas, quotaNames } from './quota.ts'

interface Read {
  readonly limits: Quotas
  readonly used: Amounts
  /** Nothing of the account is begun. */
  readonly isSuspended: boolean
  /** When it was begun to be read, in milliseconds since 1970. */
  readonly at: number
}

type Counts = Record<QuotaName, number>

/** What is known of one account: what was read last, and what this process has added since or is about to add. */
export class AccountUsage {
  #read: Read | undefined
  readonly #held = zeros()
  /** Written since the last read began, and so perhaps not in it. */
  #since = zeros()
  isRefreshing = false

  get readAt(): number {
    return this.#read?.at ?? 0
  }

  get isSuspended(): boolean {
    return this.#read?.isSuspended ?? false
  }

  /** The first quota that the account would exceed with these; undefined when it has room for all. */
  excess(amounts: Amounts): QuotaState | undefined {
    const name = quotaNames.find((one) => (amounts[one] ?? 0) > 0 && this.room(one) < (amounts[one] ?? 0))
    return name && { name, limit: this.#read?.limits[name], used: this.used(name) }
  }

  /** How much more of this the account may have. */
  room(name: QuotaName): number {
    const limit = this.#read?.limits[name] ?? 0
    return limit === 0 ? Number.POSITIVE_INFINITY : limit - this.used(name)
  }

  /** Counts these; returns what to call when they are written, or will not be. */
  hold(amounts: Amounts): () => void {
    for (const name of quotaNames) this.#held[name] += amounts[name] ?? 0
    return () => {
      for (const name of quotaNames) {
        this.#held[name] -= amounts[name] ?? 0
        this.#since[name] += amounts[name] ?? 0
      }
    }
  }

  /** What is known to be written before a read begins. */
  mark(): Readonly<Counts> {
    return { ...this.#since }
  }

  /** Replaces the known usage by what was read, which includes the marked part. */
  replace(mark: Readonly<Counts>, read: Read): void {
    // Of two reads at once the later one stays.
    if (read.at < this.readAt) return
    this.#read = read
    for (const name of quotaNames) this.#since[name] = Math.max(0, this.#since[name] - mark[name])
  }

  /** How much of this the account has, as far as is known. */
  used(name: QuotaName): number {
    return Math.max(0, (this.#read?.used[name] ?? 0) + this.#held[name] + this.#since[name])
  }
}

function zeros(): Counts {
  return { waitingTasks: 0, runningTasks: 0, storedBytes: 0, applicationTokens: 0, webhooks: 0 }
}
