import { setTimeout as sleep } from 'node:timers/promises'
import { write } from '#test/support/documents.ts'
import { entriesOf } from '#test/support/entries.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { isOutage } from '#test/support/outages.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Random } from '#test/support/random.ts'
import { trigger } from '#test/support/webhooks.ts'

/** What was asked for, and what the servers have acknowledged of it. */
export interface Ledger {
  /** Ids of accepted tasks by their idempotency keys. */
  readonly tasks: Map<string, string>
  /** Subjects of accepted events by their idempotency keys. */
  readonly events: Map<string, string>
  /** Acknowledged versions and data of documents, as `<key> <version>` and what was written. */
  readonly documents: Map<string, unknown>
  /** Acknowledged values of entries, as `<key> <version>`. */
  readonly entries: Map<string, unknown>
  /** Answers other than success and "unavailable", which nothing here explains. */
  readonly unexpected: string[]
}

export function createLedger(): Ledger {
  return { tasks: new Map(), events: new Map(), documents: new Map(), entries: new Map(), unexpected: [] }
}

const submit =
  'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { message } } }'

/** One client: does one thing after the other at any of the servers, and repeats what was not answered, until `isOver`. */
export async function runClient(
  client: number,
  servers: readonly ServerProcess[],
  ledger: Ledger,
  random: Random,
  isOver: () => boolean,
): Promise<void> {
  for (let turn = 0; !isOver(); turn += 1) {
    const name = `client-${client}-${turn}`
    const step = random.pick([submitOne, triggerOne, putOne, setOne])
    const shape = random.below(400)
    while (!(await tried(() => step(random.pick(servers), ledger, name, shape), ledger))) await sleep(50)
  }
}

/** Whether it was answered; what was not may have happened all the same. */
async function tried(step: () => Promise<void>, ledger: Ledger): Promise<boolean> {
  try {
    await step()
    return true
  } catch (error) {
    if (!isOutage(error)) ledger.unexpected.push(String(error))
    return false
  }
}

async function submitOne(at: ServerProcess, { tasks }: Ledger, key: string, shape: number): Promise<void> {
  const retry = { maxAttempts: 100, delayMs: 50, backoff: 'FIXED' }
  const work =
    shape % 3 === 0
      ? { type: 'command', input: { command: 'nap', args: { seconds: shape / 400 } } }
      : { type: 'probe', input: { durationMs: shape, steps: 2 } }
  const { submitTask } = await graphqlData<{ submitTask: { task?: { id: string }; message?: string } }>(at, submit, {
    input: { ...work, retry, idempotencyKey: key },
  })
  if (submitTask.task === undefined) throw new Error(submitTask.message)
  tasks.set(key, submitTask.task.id)
}

async function triggerOne(at: ServerProcess, { events }: Ledger, key: string): Promise<void> {
  const { subject } = await trigger(at, {
    type: 'faults.one',
    data: { key },
    subject: `faults:${key}`,
    idempotencyKey: key,
  })
  events.set(key, subject)
}

async function putOne(at: ServerProcess, { documents }: Ledger, name: string, shape: number): Promise<void> {
  const key = `document-${shape % 5}`
  const { document, code } = await write(at, 'putDocument', { key, data: { name }, idempotencyKey: name })
  if (document === undefined) throw new Error(code)
  documents.set(`${key} ${document.version}`, name)
}

async function setOne(at: ServerProcess, { entries }: Ledger, name: string, shape: number): Promise<void> {
  const key = `entry-${shape % 5}`
  const { entry, code } = await entriesOf(at).set(key, name, { idempotencyKey: name })
  if (entry === undefined) throw new Error(code)
  entries.set(`${key} ${entry.version}`, name)
}
