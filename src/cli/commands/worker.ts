import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, printable } from '#cli/text.ts'
import {
  DrainWorkerDocument,
  payloadOf,
  SetWorkerSlotsDocument,
  type WorkerSummaryFragment,
  WorkersDocument,
} from '#client/index.ts'

/** Everything about what runs tasks. */
export function addWorkerCommand(parent: Command, session: Session): void {
  const command = parent
    .command('worker')
    .summary('list and drain workers, and change their slots')
    .description('Shows what runs tasks: the processes of the server, and programs that claim tasks over the API.')
  addListCommand(command, session)
  addDrainCommand(command, session)
  addSlotsCommand(command, session)
}

function addListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('what runs tasks')
    .description('Lists workers with their slots, how many of them are taken, and when they were last seen.')
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
  session.api(command, list)
}

async function list({ client, output, json }: Api, options: { first: number; after?: string }): Promise<void> {
  const { workers } = await client.request(WorkersDocument, options)
  if (json) return output.document(workers)
  if (workers.nodes.length === 0) return output.remark('No workers.')
  const now = Date.now()
  output.table(workers.nodes, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name, isRemote }) => `${printable(name)}${isRemote ? '' : ' (server)'}`, flexible: true },
    { title: 'STATE', text: stateOf },
    { title: 'RUNNING', text: ({ running, slots }) => `${running} of ${slots}` },
    { title: 'LAST SEEN', text: ({ lastSeenAt }) => `${duration(Math.max(0, now - Date.parse(lastSeenAt)))} ago` },
    { title: 'VERSION', text: ({ version }) => printable(version ?? ''), optional: true },
    { title: 'TYPES', text: ({ types }) => printable(types.join(', ')), flexible: true, optional: true },
  ])
  if (workers.pageInfo.hasNextPage) output.remark(`There are more: add --after ${workers.pageInfo.endCursor}`)
}

function stateOf({ drainingAt, drainedAt }: WorkerSummaryFragment): string {
  if (drainedAt !== null) return 'drained'
  return drainingAt === null ? 'working' : 'draining'
}

function addDrainCommand(parent: Command, session: Session): void {
  const command = parent
    .command('drain <id>')
    .summary('let a worker claim nothing more')
    .description('Lets a worker claim nothing more; what it runs goes on.')
    .addHelpText('after', () => examples(`${session.invocation} worker drain 7`))
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const { worker } = payloadOf((await client.request(DrainWorkerDocument, { input: { id } })).drainWorker)
    if (json) output.document(worker)
    else output.line(`${printable(worker.name)} claims nothing more; it is running ${worker.running}.`)
  })
}

function addSlotsCommand(parent: Command, session: Session): void {
  const command = parent
    .command('slots <id> <slots>')
    .summary('change how many tasks a worker runs at once')
    .description('Changes how many tasks a worker runs at once, until it is restarted; what runs goes on.')
    .addHelpText('after', () => examples(`${session.invocation} worker slots 7 8`))
  session.api(command, async ({ client, output, json }, _options: object, id: string, count: string) => {
    if (!/^[1-9]\d{0,8}$/.test(count)) throw new CommandFailure('The number of slots must be a whole number above 0.')
    const input = { id, slots: Number(count) }
    const { worker } = payloadOf((await client.request(SetWorkerSlotsDocument, { input })).setWorkerSlots)
    if (json) output.document(worker)
    else output.line(`${printable(worker.name)} has ${worker.slots} slots.`)
  })
}
