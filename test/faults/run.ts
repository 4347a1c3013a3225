import { setTimeout as sleep } from 'node:timers/promises'
import { graphqlData } from '#test/support/graphql.ts'
import type { ServerProcess } from '#test/support/process.ts'
import { createRandom } from '#test/support/random.ts'
import { startReceiver } from '#test/support/receiver.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, quickRetry, trigger } from '#test/support/webhooks.ts'
import { findProblems } from './checker.ts'
import { disturb } from './disturbances.ts'
import { openEventLog } from './event-log.ts'
import { createStage, type Stage } from './stage.ts'
import { createLedger, runClient } from './workload.ts'

export interface FaultsOptions {
  readonly seconds: number
  /** Decides what goes wrong in which order, and what clients ask for; not how fast the machine is. */
  readonly seed: number
  readonly report: (line: string) => void
}

const clients = 6
const patienceMs = 180_000

/** Lets clients work while things go wrong, and looks afterwards at what has become of their work. Resolves with problems. */
export async function runFaults({ seconds, seed, report }: FaultsOptions): Promise<string[]> {
  const stage = await createStage()
  const receiver = await startReceiver()
  try {
    if (stage.clock === undefined) report('the clock stays as it is: libfaketime is not installed')
    const log = openEventLog(stage.servers, await begin(stage, receiver.url))
    const ledger = createLedger()
    let isOver = false
    const working = Array.from({ length: clients }, (_, client) =>
      runClient(client, stage.servers, ledger, createRandom(seed + client + 1), () => isOver),
    )
    await disturbFor(stage, seconds, seed, report)
    isOver = true
    await Promise.all(working)
    const problems = await findProblems({ stage, ledger, log, receiver }, patienceMs)
    await log.close()
    report(
      `${ledger.tasks.size} tasks, ${ledger.events.size} events, ${ledger.documents.size} versions of documents, ` +
        `${ledger.entries.size} of entries; ${log.items.length} events streamed, ${receiver.received.length} deliveries received`,
    )
    return problems
  } finally {
    await stage.close()
    await receiver.close()
  }
}

/** Creates the webhook, and returns the cursor behind which the run begins. */
async function begin({ servers: [server] }: Stage, receiverUrl: string): Promise<string> {
  const at = server as ServerProcess
  await createWebhook(at, { url: receiverUrl, events: ['faults.one'], retry: { ...quickRetry, maxAttempts: 50 } })
  await trigger(at, { type: 'faults.begin' })
  const query = '{ events(types: ["faults.begin"], first: 1) { nodes { cursor } } }'
  return until(async () => {
    const { events } = await graphqlData<{ events: { nodes: { cursor: string }[] } }>(at, query)
    return events.nodes[0]?.cursor
  })
}

async function disturbFor(stage: Stage, seconds: number, seed: number, report: (line: string) => void): Promise<void> {
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1000
  for await (const name of disturb(stage, createRandom(seed))) {
    report(`${elapsed().toFixed(1).padStart(6)} s  ${name}`)
    if (elapsed() > seconds) break
  }
  await sleep(500)
}
