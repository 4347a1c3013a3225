import { randomUUID } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'

export { metric, subscribers } from '#test/support/metrics.ts'

/** Task types with which a test decides what a stream tells. */
export const configFile = join(import.meta.dirname, '../fixtures/streams/signalbox.config.ts')

type Server = Pick<TestServer, 'url' | 'token'>

/** Submits a task; returns its id. */
export async function submit(server: Server, input: Record<string, unknown>): Promise<string> {
  const { submitTask } = await graphqlData<{ submitTask: { task?: { id: string }; message?: string } }>(
    server,
    'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { message } } }',
    { input },
  )
  if (submitTask.task === undefined) throw new Error(submitTask.message)
  return submitTask.task.id
}

/** A task of the type `speaks`, and the word that lets it end, or fail. */
export async function submitSpeaker(server: Server, more: Record<string, unknown> = {}, { fails = false } = {}) {
  const until = join(mkdtempSync(join(tmpdir(), 'signalbox-speaker-')), randomUUID())
  const id = await submit(server, { type: 'speaks', input: { until, fails }, ...more })
  const release = () => writeFileSync(until, '')
  // A test that fails leaves no slot taken to the next ones.
  onTestFinished(release)
  return { id, release }
}

/** A task that never runs: due in a year. Streams that begin now no longer include its submission. */
export async function submitDistant(server: Server, more: Record<string, unknown> = {}): Promise<string> {
  const runAt = new Date(Date.now() + 365 * 24 * 3_600_000).toISOString()
  const id = await submit(server, { type: 'probe', runAt, ...more })
  await firstCursor(server, id)
  return id
}

/** The cursor of the first event about a task, once this server has read it in the journal. */
export function firstCursor(server: Server, id: string): Promise<string> {
  return until(async () => {
    const { events } = await graphqlData<{ events: { edges: { cursor: string }[] } }>(
      server,
      'query ($subject: String) { events(subject: $subject, first: 1) { edges { cursor } } }',
      { subject: `task:${id}` },
    )
    return events.edges[0]?.cursor
  })
}

export async function statusOf(server: Server, id: string): Promise<string> {
  const { task } = await graphqlData<{ task: { status: string } }>(
    server,
    'query ($id: ID!) { task(id: $id) { status } }',
    { id },
  )
  return task.status
}
