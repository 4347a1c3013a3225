import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { submitTask } from '#test/support/follower.ts'
import { graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { salesforceCertificate } from './certificate.ts'

type At = Pick<TestServer, 'url' | 'token'>

/** For a server whose tasks' processes talk to the fake. */
export function certificateEnv(): Record<string, string> {
  const file = join(mkdtempSync(join(tmpdir(), 'signalbox-salesforce-')), 'ca.pem')
  writeFileSync(file, salesforceCertificate.cert)
  return { NODE_EXTRA_CA_CERTS: file }
}

export interface EndedTask {
  readonly id: string
  readonly status: string
  readonly result: Record<string, unknown> | null
  readonly error: { readonly code: string; readonly message: string; readonly retryable: boolean } | null
  readonly currentStep: string | null
  readonly parts: readonly { readonly name: string; readonly contentType: string; readonly sizeBytes: number }[]
}

const fields = 'id status result error { code message retryable } currentStep parts { name contentType sizeBytes }'
const endings = new Set(['COMPLETED', 'FAILED', 'CANCELLED'])

async function readTask(at: At, id: string): Promise<EndedTask> {
  const data = await graphqlData<{ task: EndedTask }>(at, `query ($id: ID!) { task(id: $id) { ${fields} } }`, { id })
  return data.task
}

/** The task once it has ended. */
export function ended(at: At, id: string): Promise<EndedTask> {
  return until(async () => {
    const task = await readTask(at, id)
    return endings.has(task.status) && task
  }, 60_000)
}

/** Submits a task, and returns it once it has ended. */
export async function runTask(at: At, type: string, input: object, more: object = {}): Promise<EndedTask> {
  return ended(at, await submitTask(at, { type, input, ...more }))
}

/** A part's bytes. */
export async function readPart(at: At, id: string, name: string): Promise<Buffer> {
  const response = await fetch(`${at.url}/api/tasks/${id}/result/parts/${encodeURIComponent(name)}`, {
    headers: { authorization: `Bearer ${at.token}` },
  })
  if (response.status !== 200) throw new Error(`The part ${name} is answered with ${response.status}.`)
  return Buffer.from(await response.arrayBuffer())
}
