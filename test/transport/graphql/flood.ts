import { expect } from 'vitest'
import { openStream } from '#test/support/event-stream.ts'
import type { TestServer } from '#test/support/server.ts'
import { firstCursor, submit } from '#test/support/streams.ts'

/** So many updates, each so large on its way, that the system's own buffers, of some megabytes, hold a part of them. */
const floodLines = 6_000
const copies = Array.from({ length: 12 }, (_, index) => `copy${index}: message`).join(' ')
/** How many updates wait in memory for one slow reader, at most. */
const capacity = 1_000

export const floodQuery = `subscription ($id: ID!, $after: String) {
  taskUpdates(id: $id, after: $after) { kind cursor skipped log { message ${copies} } }
}`

export interface FloodUpdate {
  readonly kind: string
  readonly cursor: string
  readonly skipped: number | null
  readonly log: { readonly message: string } | null
}

export function submitFlood(server: TestServer): Promise<string> {
  return submit(server, { type: 'floods', input: { lines: floodLines, bytes: 1_000 } })
}

/** Waits until the flood is over and has reached every stream, so that a resumed stream starts with the missed updates. */
export async function floodIsOver(server: TestServer, id: string): Promise<void> {
  const stream = await openStream(server, {
    query: `subscription ($subject: String, $after: String) {
      events(subject: $subject, types: ["task.completed"], after: $after) { type } }`,
    variables: { subject: `task:${id}`, after: await firstCursor(server, id) },
  })
  for (;;) {
    const { name } = (await stream.next()) ?? {}
    if (name === undefined) throw new Error('The stream has ended before the flood.')
    if (name === 'next') break
  }
  stream.abort()
}

export function loggedLines(told: readonly FloodUpdate[]): number[] {
  return told.flatMap(({ log }) => (log === null ? [] : [Number(log.message.split(' ')[0])]))
}

export function linesFrom(first: number): number[] {
  return Array.from({ length: floodLines - first + 1 }, (_, index) => first + index)
}

/**
 * Expects a slow reader to have been told the truth: that lines were skipped wherever some are missing and nowhere
 * else, at least once, and how many. Returns the first gap's cursor and the first line that is missing there.
 */
export function expectHonestGaps(told: readonly FloodUpdate[]): { cursor: string; missing: number } {
  let last = 0
  let skipped = 0
  for (const update of told) {
    if (update.kind === 'LAGGED') skipped += update.skipped ?? Number.NaN
    if (update.kind !== 'LOG') continue
    const [line = Number.NaN] = loggedLines([update])
    // A gap may hold other updates beside lines, such as the one that the task has started.
    expect(line - last - 1).toBeLessThanOrEqual(skipped)
    if (skipped === 0) expect(line).toBe(last + 1)
    last = line
    skipped = 0
  }
  expect(last).toBe(floodLines)
  const gaps = told.filter(({ kind }) => kind === 'LAGGED')
  const [gap] = gaps
  if (gap === undefined) throw new Error('Nothing was skipped: the flood is too small.')
  // What was skipped was not kept in memory: after each gap came what was buffered, at most one buffer.
  expect(told.length - told.indexOf(gap)).toBeLessThanOrEqual(gaps.length * (capacity + 1))
  return { cursor: gap.cursor, missing: loggedLines(told.slice(0, told.indexOf(gap))).length + 1 }
}
