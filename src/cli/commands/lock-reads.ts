import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, moment, printable } from '#cli/text.ts'
import { LockDetailsDocument, LockPageDocument } from '#client/index.ts'

export function addLockListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list [prefix]')
    .alias('ls')
    .summary('the locks that are held')
    .description('Lists the held locks whose names begin with the prefix.')
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} lock list deploy/`))
  session.api(command, list)
}

async function list(
  { client, output, json }: Api,
  { first, after }: { first: number; after?: string },
  prefix = '',
): Promise<void> {
  const { locks } = await client.request(LockPageDocument, { prefix, first, after })
  const { nodes, pageInfo } = locks
  if (json) return output.document(locks)
  if (nodes.length === 0) return output.remark('No lock is held.')
  const now = Date.now()
  output.table(nodes, [
    { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
    { title: 'HOLDER', text: ({ holder }) => printable(holder.name), flexible: true },
    { title: 'FENCE', text: ({ fence }) => String(fence) },
    { title: 'HELD FOR', text: ({ acquiredAt }) => duration(now - Date.parse(acquiredAt)), optional: true },
    { title: 'ENDS IN', text: ({ expiresAt }) => duration(Date.parse(expiresAt) - now) },
  ])
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

export function addLockShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show <name>')
    .summary('who holds a lock, and who waits for it')
    .description('Shows the holder of a lock and its queue.')
    .addHelpText('after', () => examples(`${session.invocation} lock show deploy/prod`))
  session.api(command, async ({ client, output, json }, _options: object, name: string) => {
    const lock = found((await client.request(LockDetailsDocument, { name })).lock, `lock "${name}" that is held`)
    if (json) return output.document(lock)
    output.properties([
      ['name', printable(lock.name)],
      ['holder', printable(lock.holder.name)],
      ['reason', lock.reason === null ? undefined : printable(lock.reason)],
      ['fence', String(lock.fence)],
      ['since', moment(lock.acquiredAt)],
      ['until', moment(lock.expiresAt)],
      [
        'queue',
        lock.queue
          .map(({ actor, queuedAt, reason }) => {
            const why = reason === null ? '' : `: ${printable(reason)}`
            return `${printable(actor.name)}, since ${moment(queuedAt)}${why}`
          })
          .join('\n'),
      ],
    ])
  })
}
