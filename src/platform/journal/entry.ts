/** Who did it; on every journal entry. */
export interface Actor {
  readonly kind: 'user' | 'application' | 'system'
  readonly id: string
  readonly name: string
}

/** A fact to be written down: the change itself is in the same transaction. */
export interface NewEntry {
  readonly accountId: string
  /** Past tense, such as `task.completed`. */
  readonly type: string
  /** What it is about, such as `task:<id>`. */
  readonly subject: string
  readonly actor: Actor
  readonly data: Readonly<Record<string, unknown>>
}

/** Where an entry stands in commit order. */
export interface Position {
  readonly xid: bigint
  readonly seq: bigint
}

export interface JournalEntry extends NewEntry, Position {
  readonly at: Date
}

/** Negative when `a` comes before `b`. */
export function comparePositions(a: Position, b: Position): number {
  if (a.xid !== b.xid) return a.xid < b.xid ? -1 : 1
  if (a.seq === b.seq) return 0
  return a.seq < b.seq ? -1 : 1
}
