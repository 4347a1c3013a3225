import type { Command } from 'commander'
import { interruption } from '#cli/interrupt.ts'
import { readCount, readList } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { reconnectionRemarks } from '#cli/reconnection.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { columnsOf, moment, pad, printable, shorten } from '#cli/text.ts'
import { EventPageDocument, type EventSelection, followEvents, type SignalboxEvent } from '#client/index.ts'

interface EventsOptions extends EventSelection {
  readonly follow?: boolean
  readonly after?: string
  readonly first: number
}

const pageSize = 200
/** The longest type of a task's event: with it, moment and subject fit into 80 columns. */
const typeColumns = 14

export function addEventsCommand(parent: Command, session: Session): void {
  const command = parent
    .command('events')
    .summary('list and follow events')
    .description(
      'Lists events, oldest first; with --follow shows new ones, until Ctrl-C, across restarts of the server.',
    )
    .option('-f, --follow', 'go on with what happens from now on, or after --after')
    .option('--types <types>', 'exact types or families, such as task.completed,document.*', readList)
    .option('--subject <subject>', 'only what is about this, such as task:<id>')
    .option('--after <cursor>', 'continue after this cursor')
    .option('--first <count>', 'how many, without --follow', readCount, 50)
    .addHelpText('after', () =>
      examples(
        `${session.invocation} events --types task.failed,task.cancelled`,
        `${session.invocation} events --follow --types 'task.*' --json`,
      ),
    )
  session.api(command, (api, options: EventsOptions) => (options.follow ? follow(api, options) : list(api, options)))
}

async function list({ client, output, json }: Api, { types, subject, after, first }: EventsOptions): Promise<void> {
  const nodes: SignalboxEvent[] = []
  let isFirst = true
  let pageInfo: { hasNextPage: boolean; endCursor: string | null } = { hasNextPage: true, endCursor: after ?? null }
  while (pageInfo.hasNextPage && nodes.length < first) {
    const size = Math.min(pageSize, first - nodes.length)
    const variables = { types: types && [...types], subject, after: pageInfo.endCursor, first: size }
    const { events } = await client.request(EventPageDocument, variables)
    warn(output, isFirst ? events.warnings : [])
    isFirst = false
    nodes.push(...events.nodes)
    pageInfo = events.pageInfo
  }
  if (json) return output.document({ nodes, pageInfo })
  if (nodes.length === 0) output.remark('No events.')
  for (const event of nodes) tell(output, event)
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

async function follow({ client, output, json }: Api, { after, ...selection }: EventsOptions): Promise<number> {
  using interrupted = interruption()
  const remarks = reconnectionRemarks((text) => output.remark(text))
  const onWarning = (warning: string) => warn(output, [warning])
  const options = { after, signal: interrupted.signal, onWarning, ...remarks }
  try {
    for await (const event of followEvents(client, selection, options)) {
      if (json) output.record(event)
      else tell(output, event)
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    throw interrupted.signal.reason
  }
  return 0
}

function warn(output: Output, warnings: readonly string[]): void {
  for (const warning of warnings) output.remark(printable(warning))
}

function tell(output: Output, { at, type, subject, actor, data }: SignalboxEvent): void {
  const name = pad(type, typeColumns)
  const head = `${output.styled('dim', moment(at))}  ${output.styled('cyan', name)}  ${printable(subject)}`
  const rest = printable(`${actor.name}  ${JSON.stringify(data)}`)
  const room = output.columns - columnsOf(head) - 2
  output.line(room < 10 ? head : `${head}  ${shorten(rest, room)}`)
}
