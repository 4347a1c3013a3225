import type { Command } from 'commander'
import { readCount } from '#cli/options.ts'
import { examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { ForceReleaseLockDocument, payloadOf, ReleaseLockDocument } from '#client/index.ts'

export function addLockReleaseCommand(parent: Command, session: Session): void {
  const command = parent
    .command('release <name>')
    .summary('give a lock back')
    .description('Releases a lock that was acquired without a command; the first waiter gets it.')
    .requiredOption('--fence <number>', 'what acquiring it printed', readCount)
    .addHelpText('after', () => examples(`${session.invocation} lock release deploy/prod --fence 7`))
  session.api(command, async ({ client, output, json }, { fence }: { fence: number }, name: string) => {
    const { lock } = payloadOf((await client.request(ReleaseLockDocument, { input: { name, fence } })).releaseLock)
    if (json) return output.document(lock)
    output.remark(`Released ${printable(name)}.`)
  })
}

export function addLockForceReleaseCommand(parent: Command, session: Session): void {
  const command = parent
    .command('force-release <name>')
    .summary('take a lock away from its holder')
    .description(
      'Releases a lock that another caller holds; needs access:admin. What its holder still writes with its fence is refused; ' +
        'what else they do, they go on doing.',
    )
    .addHelpText('after', () => examples(`${session.invocation} lock force-release deploy/prod`))
  session.api(command, async ({ client, output, json }, _options: object, name: string) => {
    const taken = payloadOf((await client.request(ForceReleaseLockDocument, { input: { name } })).forceReleaseLock)
    if (json) return output.document(taken)
    output.remark(`Released ${printable(name)}, which ${printable(taken.holder.name)} held.`)
  })
}
