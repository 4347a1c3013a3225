import { setTimeout as sleep } from 'node:timers/promises'
import type { Forwarder } from '#test/support/failover/forwarder.ts'
import type { Random } from '#test/support/random.ts'
import type { Ledger } from './ledger.ts'
import type { Stage } from './stage.ts'

/** One way in which the standby becomes the primary. */
export interface RoundKind {
  readonly name: string
  /** Resolves when the addresses of both servers lead to the new primary, which has a standby again. */
  change(stage: Stage, ledger: Ledger, random: Random): Promise<void>
}

/** The primary dies, and what it committed last with it. */
export const lostTail: RoundKind = {
  name: 'failover, lost tail',
  async change({ pair, addresses }, ledger, random) {
    const tail = { from: Date.now(), to: Number.POSITIVE_INFINITY }
    ledger.lostTails.push(tail)
    await pair.catchUp()
    pair.cutReplication()
    await sleep(700 + random.below(1_500))
    await pair.killPrimary()
    tail.to = Date.now()
    leadTo(addresses, undefined)
    await pair.promote()
    leadTo(addresses, pair.primary.port)
    await pair.rejoin()
  },
}

/** The primary is shut down, which ends its connections, and the standby is promoted. */
const clean: RoundKind = {
  name: 'switchover, clean',
  change: switchOver,
}

/** The connections of one server are dead, and nobody tells it. */
export const halfOpen: RoundKind = {
  name: 'switchover, half-open',
  async change(stage, _ledger, random) {
    random.pick(stage.addresses).dropPackets()
    await switchOver(stage)
  },
}

/** The address leads one of the servers, or both, to the standby for some seconds before it is promoted. */
const readOnly: RoundKind = {
  name: 'switchover, read-only',
  async change(stage, _ledger, random) {
    const misled = random.below(2) === 0 ? stage.addresses : [random.pick(stage.addresses)]
    leadTo(misled, stage.pair.standby?.port)
    // Otherwise only new connections go there.
    if (random.below(2) === 0) for (const address of misled) address.endConnections()
    await sleep(2_000 + random.below(3_000))
    await switchOver(stage)
  },
}

const kinds = [lostTail, halfOpen, readOnly, clean]

/** So many rounds in which each kind comes once before any comes again. */
export function chooseRounds(count: number, random: Random): RoundKind[] {
  return Array.from({ length: Math.ceil(count / kinds.length) }, () => random.shuffle(kinds))
    .flat()
    .slice(0, count)
}

async function switchOver({ pair, addresses }: Stage): Promise<void> {
  await pair.switchOver(() => leadTo(addresses, pair.standby?.port))
}

function leadTo(addresses: readonly Forwarder[], port: number | undefined): void {
  for (const address of addresses) address.switchTo(port)
}
