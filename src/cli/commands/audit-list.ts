import { type Command, InvalidArgumentError } from 'commander'
import { choices, readCount, readList } from '#cli/options.ts'
import type { Output, Style } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { AuditEntriesDocument, type AuditEntryDetailsFragment, type AuditOutcome } from '#client/index.ts'
import { parseMoment } from '#lib/moment.ts'

interface ListOptions {
  readonly actor?: string
  readonly withToken?: string
  readonly types?: readonly string[]
  readonly subject?: string
  readonly address?: string
  readonly outcome?: AuditOutcome[]
  readonly operation?: string
  readonly request?: string
  readonly from?: string
  readonly to?: string
  readonly oldestFirst?: boolean
  readonly first: number
  readonly after?: string
}

const outcomes: readonly AuditOutcome[] = ['SUCCEEDED', 'FAILED', 'REFUSED']
const styles: Readonly<Record<AuditOutcome, Style>> = { SUCCEEDED: 'green', FAILED: 'red', REFUSED: 'yellow' }
const maxAtOnce = 200

export function addAuditListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the entries, newest first')
    .description(
      'Lists entries of the audit log, newest first. A * at the end of what is looked for stands for any ending.',
    )
    .option('--actor <who>', 'by the actor with this id or name')
    .option('--with-token <id>', 'with the application token, or the session, of this id')
    .option('--types <types>', 'of these types, such as auth.token_*,task.cancel_requested', readList)
    .option('--subject <subject>', 'about this, such as token:<id> or token:*')
    .option('--address <address>', 'from this network address')
    .option('--outcome <outcomes>', `some of ${outcomes.join(', ')}`, choices(outcomes))
    .option('--operation <operation>', 'by the operation of this name or hash')
    .option('--request <id>', 'of the request of this id')
    .option('--from <moment>', 'not before', readMoment)
    .option('--to <moment>', 'not after', readMoment)
    .option('--oldest-first', 'from the beginning')
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} audit list --outcome refused,failed --from 2026-11-24T08:00`,
        `${session.invocation} audit list --types 'auth.token_*' --json`,
      ),
    )
  session.api(command, list)
}

/** Reads a moment, in the reader's own time where it says nothing else. */
function readMoment(text: string): string {
  const moment = parseMoment(text)
  if (moment === undefined) throw new InvalidArgumentError('It must be a moment, such as 2026-11-24T08:00.')
  return moment.toISOString()
}

async function list({ client, output, json }: Api, options: ListOptions): Promise<void> {
  const { withToken: token, outcome, request, oldestFirst, first, after, ...same } = options
  const { actor, subject, address, operation, from, to } = same
  const { auditEntries } = await client.request(AuditEntriesDocument, {
    where: {
      ...{ actor, token, subject, address, operation, from, to },
      types: same.types && [...same.types],
      outcomes: outcome,
      requestId: request,
    },
    orderBy: oldestFirst ? 'OLDEST_FIRST' : 'NEWEST_FIRST',
    first,
    after,
  })
  const { nodes, pageInfo } = auditEntries
  if (json) return output.document(auditEntries)
  if (nodes.length === 0) return output.remark('No entries.')
  table(output, nodes)
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

function table(output: Output, entries: readonly AuditEntryDetailsFragment[]): void {
  output.table(entries, [
    { title: 'SEQ', text: ({ seq }) => String(seq) },
    { title: 'AT', text: ({ at }) => moment(at) },
    { title: 'OUTCOME', text: ({ outcome }) => outcome, style: ({ outcome }) => styles[outcome] },
    { title: 'TYPE', text: ({ type }) => printable(type), flexible: true },
    { title: 'ACTOR', text: ({ actor }) => printable(actor.name), flexible: true },
    { title: 'SUBJECT', text: ({ subject }) => printable(subject), flexible: true },
    { title: 'ADDRESS', text: ({ address }) => printable(address ?? ''), optional: true },
    { title: 'OPERATION', text: ({ operation }) => printable(operation?.name ?? ''), flexible: true, optional: true },
  ])
}
