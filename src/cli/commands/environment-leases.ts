import { type Command, Option } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { choices, collect, readDuration } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import {
  AcquireEnvironmentDocument,
  type EnvironmentCategory,
  ExtendEnvironmentDocument,
  payloadOf,
  ReleaseEnvironmentDocument,
} from '#client/index.ts'
import { environmentCategories, tellEnvironment } from './environment-text.ts'

interface AcquireOptions {
  readonly category?: EnvironmentCategory[]
  readonly repository?: string
  readonly branch?: string
  readonly tag?: string[]
  readonly ttl: number
  readonly wait: number
  readonly reason?: string
}

const defaultTtlMs = 60 * 60 * 1000
const maxWaitMs = 300_000
/** Beyond the wait, how long the answer may take, in milliseconds. */
const patienceMs = 30_000

const ttlOption = () =>
  new Option('--ttl <duration>', 'how long the lease lasts: 10m, 2h')
    .argParser(readDuration)
    .default(defaultTtlMs, '1h')

export function addEnvironmentAcquireCommand(parent: Command, session: Session): void {
  const command = parent
    .command('acquire [ids...]')
    .summary('take an environment that is free')
    .description(
      'Acquires one of the environments, or one that is as the options say; with --wait the first that becomes free. ' +
        'The fence that is printed is needed to extend and release it.',
    )
    .option('--category <category>', `one of ${environmentCategories.join(', ')}`, choices(environmentCategories))
    .option('--repository <name>', 'of this repository')
    .option('--branch <name>', 'of this branch')
    .option('--tag <tag>', 'with this tag; may be repeated', collect)
    .addOption(ttlOption())
    .addOption(
      new Option('--wait <duration>', 'how long to wait, at most 5m').argParser(readDuration).default(0, 'not at all'),
    )
    .option('--reason <text>', 'what it is needed for; shown to others')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} environment acquire --category test --tag pool --wait 5m --reason 'PR 42' --json`,
      ),
    )
  session.api(command, acquire)
}

async function acquire({ client, output, json }: Api, options: AcquireOptions, ids: readonly string[]): Promise<void> {
  const { category, tag, ttl: ttlMs, wait: waitMs, reason, repository, branch } = options
  if (waitMs > maxWaitMs) throw new CommandFailure('--wait may be at most 5m.')
  const where = { repository, branch, category: category?.[0], tags: tag }
  const input = { where, ttlMs, waitMs, reason, ...(ids.length > 0 && { anyOf: [...ids] }) }
  const answer = await client.request(AcquireEnvironmentDocument, { input }, { timeoutMs: waitMs + patienceMs })
  const { environment } = payloadOf(answer.acquireEnvironment)
  if (json) output.document(environment)
  else tellEnvironment(output, environment)
}

const readFence = (text: string): number => {
  const fence = Number(text)
  if (Number.isSafeInteger(fence) && fence > 0) return fence
  throw new CommandFailure(`--fence takes the number that was printed, not "${printable(text)}".`)
}

const fenceOption = () => new Option('--fence <fence>', 'of the lease').argParser(readFence).makeOptionMandatory()

export function addEnvironmentExtendCommand(parent: Command, session: Session): void {
  const command = parent
    .command('extend <id>')
    .summary('extend your lease of an environment')
    .description('Extends the lease of an environment, counted from now.')
    .addOption(fenceOption())
    .addOption(ttlOption())
  session.api(
    command,
    async ({ client, output, json }: Api, { fence, ttl: ttlMs }: { fence: number; ttl: number }, id: string) => {
      const answer = await client.request(ExtendEnvironmentDocument, { input: { id, fence, ttlMs } })
      const { environment } = payloadOf(answer.extendEnvironment)
      if (json) return output.document(environment)
      const until = environment.lease === null ? '' : ` until ${moment(environment.lease.expiresAt)}`
      output.remark(`${printable(environment.name)} is yours${until}.`)
    },
  )
}

export function addEnvironmentReleaseCommand(parent: Command, session: Session): void {
  const command = parent
    .command('release <id>')
    .summary('release an environment')
    .description('Releases an environment, which goes to the first who waits.')
    .addOption(fenceOption())
  session.api(command, async ({ client, output, json }: Api, { fence }: { fence: number }, id: string) => {
    const answer = await client.request(ReleaseEnvironmentDocument, { input: { id, fence } })
    const { environment } = payloadOf(answer.releaseEnvironment)
    if (json) output.document(environment)
    else output.remark(`${printable(environment.name)} was released.`)
  })
}
