import { setTimeout as sleep } from 'node:timers/promises'
import { write } from '#test/support/documents.ts'
import { entriesOf } from '#test/support/entries.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { isOutage } from '#test/support/outages.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Random } from '#test/support/random.ts'
import { trigger } from '#test/support/webhooks.ts'
import type { Ledger } from './ledger.ts'

/** What clients work with. */
export interface Clientele {
  readonly servers: readonly ServerProcess[]
  readonly ledger: Ledger
  /** Where tasks write down their starts and ends. */
  readonly book: string
  readonly isOver: () => boolean
  /** Whether what has not been answered is not repeated any more either. */
  readonly isGivenUp: () => boolean
}

const keys = 5
const pauseMs = 60

/** Writes one thing after the other at either server, and repeats what was not answered. */
export async function runWriter(name: string, clientele: Clientele, random: Random): Promise<void> {
  for (let turn = 0; !clientele.isOver(); turn += 1) {
    const step = random.pick([putOne, putOne, setOne, triggerOne, submitOne])
    await insist(clientele, random, (at) => step(at, clientele, `${name}-${turn}`, turn % keys))
    await sleep(random.below(pauseMs))
  }
}

/** Repeats a request, at either server, until it is answered. */
export async function insist(
  { servers, ledger, isGivenUp }: Clientele,
  random: Random,
  request: (at: ServerProcess) => Promise<void>,
): Promise<void> {
  while (!isGivenUp() && !(await attempted(ledger, () => request(random.pick(servers))))) await sleep(50)
}

/** Whether a request was answered; one that was not may have been carried out all the same. */
export async function attempted(ledger: Ledger, request: () => Promise<void>): Promise<boolean> {
  try {
    await request()
    return true
  } catch (error) {
    if (!isOutage(error)) ledger.unexpected.push(String(error))
    return false
  }
}

async function putOne(at: ServerProcess, { ledger }: Clientele, value: string, index: number): Promise<void> {
  const key = `document-${index}`
  const { answer, ...exchange } = await ledger.exchange(() =>
    write(at, 'putDocument', { key, data: { name: value }, idempotencyKey: value }),
  )
  if (answer.document === undefined) throw new Error(answer.code)
  ledger.documents.push({ key, version: answer.document.version, value, ...exchange })
}

async function setOne(at: ServerProcess, { ledger }: Clientele, value: string, index: number): Promise<void> {
  const key = `entry-${index}`
  const { answer, ...exchange } = await ledger.exchange(() => entriesOf(at).set(key, value, { idempotencyKey: value }))
  if (answer.entry === undefined) throw new Error(answer.code)
  ledger.entries.push({ key, version: answer.entry.version, value, ...exchange })
}

async function triggerOne(at: ServerProcess, { ledger }: Clientele, key: string): Promise<void> {
  const event = { type: 'failover.one', subject: `failover:${key}`, data: { key }, idempotencyKey: key }
  const { answer: _, ...exchange } = await ledger.exchange(() => trigger(at, event))
  ledger.events.set(key, exchange)
}

async function submitOne(at: ServerProcess, clientele: Clientele, key: string, index: number): Promise<void> {
  const failures = index === 0 ? 1 : 0
  await submit(at, clientele, key, { durationMs: 100 + 80 * index, failures, isApart: index === 1 })
}

export interface TaskShape {
  readonly durationMs: number
  /** Attempts that fail, of one more. */
  readonly failures: number
  /** Runs in a process of its own. */
  readonly isApart?: boolean
}

/** How a task of a shape is submitted. */
export function taskOf({ book }: Clientele, { durationMs, failures, isApart = false }: TaskShape) {
  return {
    type: isApart ? 'failover.apart' : 'failover.here',
    input: { book, durationMs, failures },
    retry: { maxAttempts: failures + 1, delayMs: 0 },
  }
}

const mutation =
  'mutation ($input: SubmitTaskInput!) { submitTask(input: $input) { ... on SubmitTaskPayload { task { id } } ... on Failure { message } } }'

/** Submits a task; returns its id. */
export async function submit(
  at: ServerProcess,
  clientele: Clientele,
  idempotencyKey: string,
  shape: TaskShape,
): Promise<string> {
  const { ledger } = clientele
  const input = { ...taskOf(clientele, shape), idempotencyKey }
  const { answer, ...exchange } = await ledger.exchange(() =>
    graphqlData<{ submitTask: { task?: { id: string }; message?: string } }>(at, mutation, { input }),
  )
  const { task, message } = answer.submitTask
  if (task === undefined) throw new Error(message)
  ledger.tasks.set(task.id, { id: task.id, maxAttempts: shape.failures + 1, ...exchange })
  return task.id
}
