/** Who did it; on every journal entry. */
export interface Actor {
  readonly kind: 'user' | 'application' | 'system'
  readonly id: string
  readonly name: string
}

/** From where, and by what right, something was asked for; kept for the audit, and not part of what events tell. */
export interface Origin {
  readonly requestId: string
  /** The network address that the request came from. */
  readonly address: string
  readonly userAgent: string | undefined
  /** What the caller showed; undefined when it is not known whose it is. */
  readonly credential: { readonly kind: 'token' | 'session' | 'provider' | 'hook'; readonly id: string } | undefined
  /** The GraphQL operation, by its name and the hash of its text. */
  readonly operation: { readonly name: string | undefined; readonly hash: string } | undefined
  /** The scopes that were asked for and held. */
  readonly scopes: readonly string[]
}

/** Who did it and, unless the system did it by itself, from where. */
export interface By {
  readonly actor: Actor
  readonly origin?: Origin | undefined
}

/** A fact to be written down: the change itself is in the same transaction. */
export interface NewEntry extends By {
  readonly accountId: string
  /** Past tense, such as `task.completed`. */
  readonly type: string
  /** What it is about, such as `task:<id>`. */
  readonly subject: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Where an entry stands in commit order. */
export interface Position {
  /** The number of its history in the upper bits, and the transaction id of its commit in the lower {@link historyShift}. */
  readonly xid: bigint
  readonly seq: bigint
}

/** Before every entry. */
export const beginning: Position = { xid: 0n, seq: 0n }

/** Behind every entry. */
export const endOfTime: Position = { xid: 2n ** 63n - 1n, seq: 2n ** 63n - 1n }

/** Bits of a position's `xid` that hold the transaction id; the migration's functions shift by as many. */
const historyShift = 44n

/** The number of the history that a position belongs to. */
export function historyOf({ xid }: Position): number {
  return Number(xid >> historyShift)
}

/** Where a history begins: before each of its entries, and behind those of all earlier ones. */
export function beginningOf(history: number): Position {
  return { xid: BigInt(history) << historyShift, seq: 0n }
}

export interface JournalEntry extends Omit<NewEntry, 'origin'>, Position {
  readonly at: Date
}

/** An entry with what is kept for the audit alone. */
export interface JournalRecord extends JournalEntry {
  /** Undefined: the system did it by itself. */
  readonly origin: Origin | undefined
}

/** Negative when `a` comes before `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.xid !== b.xid) return a.xid < b.xid ? -1 : 1
  if (a.seq === b.seq) return 0
  return a.seq < b.seq ? -1 : 1
}
