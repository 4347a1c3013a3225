import { setTimeout as sleep } from 'node:timers/promises'
import { graphqlData } from '#test/support/graphql.ts'
import type { ServerProcess } from '#test/support/process.ts'
import { createRandom, type Random } from '#test/support/random.ts'
import { type Receiver, startReceiver } from '#test/support/receiver.ts'
import { until } from '#test/support/until.ts'
import { createWebhook, quickRetry, trigger } from '#test/support/webhooks.ts'
import { findProblems } from './checker.ts'
import { Ledger } from './ledger.ts'
import { runLockClient } from './lock-client.ts'
import { openReaders, runReader } from './readers.ts'
import { type Round, tabulate } from './report.ts'
import { StreamingToken } from './revocation.ts'
import type { RoundKind } from './rounds.ts'
import { createStage, type Stage } from './stage.ts'
import { runCanceller, runLongTasks, runWaiter } from './task-clients.ts'
import { WriteProbe } from './write-probe.ts'
import { type Clientele, runWriter } from './writers.ts'

export interface FailoverOptions {
  readonly kinds: readonly RoundKind[]
  /** Decides details of each round and what clients do; not how fast the machine is. */
  readonly seed: number
  /** How many clients only write. */
  readonly writers: number
  /** How long clients work undisturbed before and after each change, in milliseconds. */
  readonly calmMs: number
  /** How soon after a promotion all writes have to succeed, in milliseconds. */
  readonly writesBackMs: number
  readonly report: (line: string) => void
}

const revocationMs = 20_000
const patienceMs = 120_000

/**
 * Lets clients work while the database changes over from one server to the other, round by round, and compares in the end
 * what they know with what the database has. Resolves with problems.
 */
export async function runFailovers(options: FailoverOptions): Promise<string[]> {
  const { kinds, seed, report } = options
  const random = createRandom(seed)
  const stage = await createStage()
  const receiver = await startReceiver()
  const problems: string[] = []
  const opened: { close(): Promise<void> }[] = []
  let isOver = false
  let isGivenUp = false
  try {
    const ledger = new Ledger()
    const beginning = await begin(stage, receiver)
    const readers = openReaders(stage.servers, beginning)
    const expirations = () => readers.reduce((sum, { log }) => sum + log.expirations, 0)
    const probe = new WriteProbe(stage.servers)
    opened.push(probe, ...readers.map(({ log }) => log))
    const clientele: Clientele = {
      servers: stage.servers,
      ledger,
      book: stage.book,
      isOver: () => isOver,
      isGivenUp: () => isGivenUp,
    }
    const working = work(clientele, options)
    const rounds: Round[] = []
    for (const kind of kinds) {
      const startedAt = Date.now()
      const expired = expirations()
      problems.push(...(await playRound(kind, stage, ledger, probe, options, random)))
      const { promotedAt } = stage.pair
      rounds.push({ kind: kind.name, startedAt, promotedAt, endedAt: Date.now(), expirations: expirations() - expired })
      report(`${String(rounds.length).padStart(3)}  ${kind.name}`)
    }
    isOver = true
    await probe.close()
    await working
    for (const { kind, promotedAt, endedAt } of rounds) {
      const { firstMs = Number.POSITIVE_INFINITY, lastFailureMs } = probe.recoveryAfter(promotedAt, endedAt)
      if (Math.max(firstMs, lastFailureMs) > options.writesBackMs)
        problems.push(
          `after a ${kind}, the first write took ${firstMs} ms and the last one failed after ${lastFailureMs} ms`,
        )
    }
    problems.push(...(await findProblems({ stage, ledger, readers, receiver }, patienceMs)))
    for (const line of await tabulate(rounds, { stage, ledger, probe })) report(line)
    return problems
  } finally {
    isOver = true
    isGivenUp = true
    await Promise.all(opened.map((one) => one.close()))
    await stage.close()
    await receiver.close()
  }
}

function work(clientele: Clientele, { seed, writers }: FailoverOptions): Promise<unknown> {
  const random = (index: number) => createRandom(seed * 100 + index)
  return Promise.all([
    ...Array.from({ length: writers }, (_, index) => runWriter(`writer-${index}`, clientele, random(index))),
    ...[0, 1, 2].map((index) => runLongTasks(`long-${index}`, clientele, random(10 + index))),
    runCanceller('canceller', clientele, random(20)),
    runWaiter(clientele, random(21)),
    runReader(clientele, random(22)),
    ...[0, 1].map((index) => runLockClient(`locker-${index}`, clientele, random(30 + index))),
  ])
}

/** Creates the webhook, and returns the cursor behind which the run begins. */
async function begin({ servers: [server] }: Stage, { url }: Receiver): Promise<string> {
  const at = server as ServerProcess
  await createWebhook(at, { url, events: ['failover.one'], retry: { ...quickRetry, maxAttempts: 50 } })
  await trigger(at, { type: 'failover.begin' })
  const query = '{ events(types: ["failover.begin"], first: 1) { nodes { cursor } } }'
  return until(async () => {
    const { events } = await graphqlData<{ events: { nodes: { cursor: string }[] } }>(at, query)
    return events.nodes[0]?.cursor
  })
}

async function playRound(
  kind: RoundKind,
  stage: Stage,
  ledger: Ledger,
  probe: WriteProbe,
  { calmMs }: FailoverOptions,
  random: Random,
): Promise<string[]> {
  const token = await StreamingToken.create(stage.servers)
  await sleep(calmMs / 2 + random.below(calmMs))
  await kind.change(stage, ledger, random)
  await until(() => probe.recoveryAfter(stage.pair.promotedAt).firstMs !== undefined, 60_000)
  const open = await token.revoke(random.pick(stage.servers), revocationMs)
  await sleep(calmMs)
  return open === 0 ? [] : [`${open} streams of a token that was revoked after a ${kind.name} stayed open`]
}
