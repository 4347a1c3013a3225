import { setTimeout as sleep } from 'node:timers/promises'
import { graphqlData } from '#test/support/graphql.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Random } from '#test/support/random.ts'
import { attempted, type Clientele, insist, submit, taskOf } from './writers.ts'

const longTaskMs = 8_000

/** Keeps a task running that takes longer than a failover does. */
export async function runLongTasks(name: string, clientele: Clientele, random: Random): Promise<void> {
  for (let turn = 0; !clientele.isOver(); turn += 1) {
    await insist(clientele, random, async (at) => {
      await submit(at, clientele, `${name}-${turn}`, { durationMs: longTaskMs, failures: 0, isApart: turn % 2 === 1 })
    })
    for (let waitedMs = 0; waitedMs < longTaskMs && !clientele.isOver(); waitedMs += 250) await sleep(250)
  }
}

const cancel = 'mutation ($id: ID!) { cancelTask(input: { id: $id }) { __typename ... on Failure { code } } }'

/** Submits tasks that take long, and cancels each after a moment. */
export async function runCanceller(name: string, clientele: Clientele, random: Random): Promise<void> {
  const { ledger } = clientele
  for (let turn = 0; !clientele.isOver(); turn += 1) {
    let id = ''
    await insist(clientele, random, async (at) => {
      id = await submit(at, clientele, `${name}-${turn}`, { durationMs: 20_000, failures: 0 })
    })
    await sleep(random.below(1_500))
    ledger.cancelled.set(id, undefined)
    await insist(clientele, random, async (at) => {
      const { answer, ...exchange } = await ledger.exchange(() =>
        graphqlData<{ cancelTask: { __typename: string; code?: string } }>(at, cancel, { id }),
      )
      if (answer.cancelTask.__typename === 'CancelTaskPayload') ledger.cancelled.set(id, exchange)
    })
  }
}

/** Submits short tasks by REST, and waits for their outcome in the same request. */
export async function runWaiter(clientele: Clientele, random: Random): Promise<void> {
  const { ledger, servers } = clientele
  while (!clientele.isOver()) {
    await attempted(ledger, () => waitForOne(random.pick(servers), clientele))
    await sleep(random.below(400))
  }
}

async function waitForOne(at: ServerProcess, clientele: Clientele): Promise<void> {
  const { ledger } = clientele
  const { type, input } = taskOf(clientele, { durationMs: 200, failures: 0 })
  const { answer, ...exchange } = await ledger.exchange(() =>
    fetch(`${at.url}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${at.token}`, 'content-type': 'application/json', prefer: 'wait=10' },
      body: JSON.stringify({ type, data: input }),
    }),
  )
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  const { operationId: id } = JSON.parse(text) as { operationId: string }
  ledger.tasks.set(id, { id, maxAttempts: 1, ...exchange })
  ledger.waited.push({ id, hasOutcome: answer.status === 200, ...exchange })
}
