import { type Command, Option } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { holdLock } from '#cli/hold-lock.ts'
import { collect, readDuration } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { AcquireLockDocument, payloadOf } from '#client/index.ts'

interface AcquireOptions {
  readonly ttl: number
  readonly wait: number
  readonly or?: readonly string[]
  readonly reason?: string
}

const defaultTtlMs = 30_000
const maxWaitMs = 300_000
/** Beyond the wait for the lock, how long the answer may take, in milliseconds. */
const patienceMs = 30_000

export function addLockAcquireCommand(parent: Command, session: Session): void {
  const command = parent
    .command('acquire <name> [command...]')
    .summary('take a lock, and run a command under it')
    .description(
      'Acquires a lock, runs the command after --, and releases the lock; the exit code is the command’s. While it runs ' +
        'the lease is renewed; should the lock be lost all the same, the command gets SIGTERM. It finds the lock in ' +
        'SIGNALBOX_LOCK and its fence in SIGNALBOX_FENCE. Without a command it prints the fence, and the lock is held ' +
        'until its lease is over.',
    )
    .addOption(
      new Option('--ttl <duration>', 'how long a lease lasts: 30s, 10m, 2h')
        .argParser(readDuration)
        .default(defaultTtlMs, '30s'),
    )
    .addOption(
      new Option('--wait <duration>', 'how long to wait for the lock, at most 5m')
        .argParser(readDuration)
        .default(0, 'not at all'),
    )
    .option('--or <name>', 'another lock that would do; may be repeated', collect)
    .option('--reason <text>', 'what it is needed for; shown to others')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} lock acquire deploy/prod --wait 5m -- ./deploy.sh prod`,
        `${session.invocation} lock acquire env/qa1 --or env/qa2 --or env/qa3 --wait 5m -- ./test.sh`,
        `FENCE=$(${session.invocation} lock acquire deploy/prod --ttl 10m)`,
      ),
    )
  session.api(command, acquire)
}

async function acquire(
  api: Api,
  { ttl: ttlMs, wait: waitMs, or, reason }: AcquireOptions,
  name: string,
  command: readonly string[],
): Promise<number> {
  const { client, output, json } = api
  if (waitMs > maxWaitMs) throw new CommandFailure('--wait may be at most 5m.')
  const which = or === undefined ? { name } : { anyOf: [name, ...or] }
  const input = { ...which, ttlMs, waitMs, ...(reason !== undefined && { reason }) }
  const answer = await client.request(AcquireLockDocument, { input }, { timeoutMs: waitMs + patienceMs })
  const { lock } = payloadOf(answer.acquireLock)
  if (command.length > 0) return holdLock(api, lock, ttlMs, command)
  if (json) output.document(lock)
  else {
    output.remark(`${printable(lock.name)} is held until ${moment(lock.expiresAt)}. Its fence:`)
    output.line(String(lock.fence))
  }
  return 0
}
