/** When a request was sent and when its answer arrived, in milliseconds since 1970. */
export interface Exchange {
  readonly sentAt: number
  readonly answeredAt: number
}

/** A time in which the primary commits what its standby doesn't receive. */
export interface LostTail {
  readonly from: number
  to: number
}

/** A version of a document or an entry that the server acknowledged. */
export interface AcknowledgedVersion extends Exchange {
  readonly key: string
  readonly version: number
  readonly value: string
}

export interface AcknowledgedTask extends Exchange {
  readonly id: string
  readonly maxAttempts: number
}

/** A lease of a lock, as its holder knows it. */
export interface Lease {
  readonly name: string
  readonly fence: number
  readonly acquired: Exchange
  readonly renewals: Exchange[]
  readonly ttlMs: number
  /** Writes that were accepted with its fence. */
  readonly writes: Exchange[]
  /** When its release was sent; undefined: it never was. */
  releasedAt: number | undefined
}

/** A version that a reader saw. */
export interface SeenVersion extends Exchange {
  readonly key: string
  /** 0: there was none. */
  readonly version: number
}

/** An answer to a submission with `Prefer: wait`. */
export interface WaitedTask extends Exchange {
  readonly id: string
  readonly hasOutcome: boolean
}

/** What clients asked for, and what the servers acknowledged of it. */
export class Ledger {
  readonly documents: AcknowledgedVersion[] = []
  readonly entries: AcknowledgedVersion[] = []
  /** By their idempotency keys, which are in their data. */
  readonly events = new Map<string, Exchange>()
  readonly tasks = new Map<string, AcknowledgedTask>()
  /** Tasks that may have been asked to stop, acknowledged or not. */
  readonly cancelled = new Map<string, Exchange | undefined>()
  readonly leases: Lease[] = []
  readonly seen: SeenVersion[] = []
  readonly waited: WaitedTask[] = []
  readonly lostTails: LostTail[] = []
  /** Answers other than success and "unavailable", which nothing here explains. */
  readonly unexpected: string[] = []
  /** The longest time that a request took, in milliseconds. */
  slowestMs = 0

  /** How many writes were acknowledged. */
  get acknowledged(): number {
    return this.documents.length + this.entries.length + this.events.size + this.tasks.size
  }

  /** Sends a request. @throws what it throws */
  async exchange<Answer>(request: () => Promise<Answer>): Promise<{ answer: Answer } & Exchange> {
    const sentAt = Date.now()
    try {
      const answer = await request()
      return { answer, sentAt, answeredAt: Date.now() }
    } finally {
      this.slowestMs = Math.max(this.slowestMs, Date.now() - sentAt)
    }
  }

  /** The number of the lost tail that something acknowledged may have been part of; undefined: it can't be lost. */
  tailOf({ sentAt, answeredAt }: Exchange): number | undefined {
    const index = this.lostTails.findIndex(({ from, to }) => answeredAt >= from && sentAt <= to)
    return index === -1 ? undefined : index
  }

  /** Whether something that was acknowledged may be lost. */
  mayBeLost(exchange: Exchange): boolean {
    return this.tailOf(exchange) !== undefined
  }
}
