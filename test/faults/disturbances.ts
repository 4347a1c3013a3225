import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { processesWith } from '#test/support/attempts.ts'
import type { ServerProcess } from '#test/support/process.ts'
import type { Random } from '#test/support/random.ts'
import type { Stage } from './stage.ts'

/** Something that goes wrong, and is over when it resolves: everything runs again by then. */
interface Disturbance {
  readonly name: string
  disturb(stage: Stage, random: Random): Promise<void>
}

const disturbances: readonly Disturbance[] = [
  { name: 'kill -9 of a server', disturb: (stage, random) => endServer(stage, random.below(2), 'SIGKILL') },
  {
    name: 'kill -9 of both servers',
    disturb: async (stage) => {
      await Promise.all([endServer(stage, 0, 'SIGKILL'), endServer(stage, 1, 'SIGKILL')])
    },
  },
  { name: 'SIGTERM of a server', disturb: (stage, random) => endServer(stage, random.below(2), 'SIGTERM') },
  {
    name: 'SIGSTOP of a server, and SIGCONT',
    async disturb({ servers }, random) {
      const { child } = servers[random.below(2)] as ServerProcess
      child.kill('SIGSTOP')
      await sleep(500 + random.below(8_000))
      child.kill('SIGCONT')
    },
  },
  {
    name: 'kill -9 of tasks',
    async disturb({ directory }) {
      for (const pid of processesWith(`HOME=${directory}`)) killOne(pid)
    },
  },
  {
    name: 'kill -9 of PostgreSQL',
    async disturb({ cluster }, random) {
      await cluster.kill()
      await sleep(random.below(3_000))
      await cluster.start()
    },
  },
  {
    name: 'SIGSTOP of PostgreSQL, and SIGCONT',
    async disturb({ cluster }, random) {
      cluster.freeze()
      await sleep(500 + random.below(6_000))
      cluster.thaw()
    },
  },
  {
    name: 'terminated backends',
    async disturb(stage) {
      await stage.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()`,
      )
    },
  },
  {
    name: 'an open transaction in a neighbour’s database',
    async disturb({ neighbourUrl }, random) {
      const client = new pg.Client({ connectionString: neighbourUrl })
      client.on('error', () => {})
      await client.connect()
      await client.query('BEGIN; CREATE TABLE held (n int)')
      await sleep(2_000 + random.below(6_000))
      await client.end()
    },
  },
  {
    name: 'a jump of the servers’ clock, and back',
    async disturb({ clock }, random) {
      clock?.set((random.below(2) === 0 ? -1 : 1) * (60 + random.below(4 * 86_400)))
      await sleep(1_000 + random.below(4_000))
      clock?.set(0)
    },
  },
]

/** Chooses what happens next: each once before any happens again. Resolves with the name when it is over. */
export async function* disturb(stage: Stage, random: Random): AsyncGenerator<string> {
  const possible = disturbances.filter(({ name }) => stage.clock !== undefined || !name.includes('clock'))
  for (;;) {
    for (const { name, disturb } of random.shuffle(possible)) {
      await sleep(random.below(2_000))
      await disturb(stage, random)
      yield name
    }
  }
}

async function endServer(stage: Stage, index: number, signal: NodeJS.Signals): Promise<void> {
  await stage.servers[index]?.end(signal)
  await stage.restart(index)
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
