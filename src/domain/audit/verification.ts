import { type AuditEntry, hashOf } from './audit-entry.ts'

export const auditFaultKinds = ['CHANGED', 'REMOVED', 'INSERTED', 'SEAL'] as const
type AuditFaultKind = (typeof auditFaultKinds)[number]

/** What is wrong with a chain, and where. */
export interface AuditFault {
  readonly kind: AuditFaultKind
  /** The first entry that is concerned. */
  readonly seq: number
  readonly message: string
}

/** How far a chain has been walked. */
export interface WalkState {
  /** The last place, and the hash that the next entry has to name. */
  readonly seq: number
  readonly hash: string
  /** By how much entries now stand behind the place that they were written for. */
  readonly shift: number
}

/** Walks a stretch of a chain, entries in their order; finds what was changed, removed or put in between. */
export function walk(from: WalkState, entries: readonly AuditEntry[]): { state: WalkState; faults: AuditFault[] } {
  const faults: AuditFault[] = []
  let state = from
  for (const entry of entries) {
    const step = examine(state, entry)
    faults.push(...step.faults)
    state = step.state
  }
  return { state, faults }
}

function examine(before: WalkState, entry: AuditEntry): { state: WalkState; faults: AuditFault[] } {
  const { seq, hash } = entry
  const gap = missing(before.seq + 1, seq - 1)
  const shift = shiftOf(entry, before.shift)
  if (shift === undefined) {
    const message = `Entry ${seq} was changed: its content does not have its hash.`
    return { state: { seq, hash, shift: before.shift }, faults: [...gap, { kind: 'CHANGED', seq, message }] }
  }
  const faults = [...gap, ...moved(seq, shift - before.shift)]
  if (faults.length === 0 && entry.previousHash !== before.hash) faults.push(rewritten(seq))
  return { state: { seq, hash, shift }, faults }
}

/** How far the entry is behind the position that its hash was computed for; undefined when that is not nearby. */
function shiftOf({ hash, ...facts }: AuditEntry, known: number): number | undefined {
  return [known, known + 1, known - 1].find((shift) => hashOf({ ...facts, seq: facts.seq - shift }) === hash)
}

function missing(first: number, last: number): AuditFault[] {
  if (last < first) return []
  const which = first === last ? `Entry ${first} is` : `Entries ${first} to ${last} are`
  return [{ kind: 'REMOVED', seq: first, message: `${which} missing.` }]
}

function moved(seq: number, by: number): AuditFault[] {
  if (by === 0) return []
  const message = `Entry ${seq} was written as entry ${seq - by}: an entry in front of it was ${by > 0 ? 'inserted' : 'removed'}.`
  return [{ kind: by > 0 ? 'INSERTED' : 'REMOVED', seq: by > 0 ? seq - by : seq, message }]
}

/** The entry is what was written, so it is the one before it that is not. */
function rewritten(seq: number): AuditFault {
  if (seq === 1)
    return { kind: 'REMOVED', seq, message: 'Entry 1 was not the first one: what was before it is missing.' }
  const message = `Entry ${seq - 1} is not the one that entry ${seq} was written behind: it was changed together with its hash.`
  return { kind: 'CHANGED', seq: seq - 1, message }
}
