import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { readCount } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, moment, printable } from '#cli/text.ts'
import {
  EndSessionDocument,
  EndSessionsDocument,
  payloadOf,
  type SessionSummaryFragment,
  SessionsDocument,
} from '#client/index.ts'

/** Everything about what people are signed in with. */
export function addSessionCommand(parent: Command, session: Session): void {
  const command = parent
    .command('session')
    .summary('list and end sessions')
    .description('Shows what people are signed in with, and ends it.')
  addListCommand(command, session)
  addEndCommand(command, session)
}

interface ListOptions {
  readonly user?: string
  readonly first: number
  readonly after?: string
}

function addListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('sessions that go on, newest first')
    .description('Lists active sessions, newest first: your own or, with an application token, everyone’s.')
    .option('--user <email>', 'those of this person; needs access:admin')
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
  session.api(command, list)
}

async function list({ client, output, json }: Api, { user, first, after }: ListOptions): Promise<void> {
  const { sessions } = await client.request(SessionsDocument, { who: user, first, after })
  if (json) return output.document(sessions)
  if (sessions.nodes.length === 0) return output.remark('No sessions.')
  table(output, sessions.nodes)
  if (sessions.pageInfo.hasNextPage) output.remark(`There are more: add --after ${sessions.pageInfo.endCursor}`)
}

function table(output: Output, sessions: readonly SessionSummaryFragment[]): void {
  const now = Date.now()
  output.table(sessions, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'WHO', text: ({ user, isCurrent }) => `${user.email}${isCurrent ? ' (this one)' : ''}`, flexible: true },
    {
      title: 'SIGNED IN',
      text: ({ createdAt, method }) => `${moment(createdAt)} by ${printable(method)}`,
      flexible: true,
    },
    { title: 'LAST USED', text: ({ lastUsedAt }) => `${duration(now - Date.parse(lastUsedAt))} ago` },
    { title: 'ADDRESS', text: ({ address }) => printable(address), optional: true },
    { title: 'PROGRAM', text: ({ userAgent }) => printable(userAgent ?? ''), flexible: true, optional: true },
    { title: 'SCOPES', text: ({ scopes }) => printable(scopes.join(', ')), flexible: true, optional: true },
  ])
}

interface EndOptions {
  readonly others?: boolean
  readonly user?: string
}

function addEndCommand(parent: Command, session: Session): void {
  const command = parent
    .command('end [id]')
    .summary('end a session, or all others')
    .description(
      'Ends a session by its id, all but the current one, or all sessions of a person, with everything running under them.',
    )
    .option('--others', 'all of your own but the one of this command')
    .option('--user <email>', 'all of this person; needs access:admin')
    .addHelpText('after', () =>
      examples(`${session.invocation} session end --others`, `${session.invocation} session end 01a20d99-…`),
    )
  session.api(command, end)
}

async function end({ client, output, json }: Api, { others, user }: EndOptions, id: string | undefined): Promise<void> {
  if ([id, others, user].filter((one) => one !== undefined).length !== 1)
    throw new CommandFailure('Say which: an id, --others or --user.')
  if (id !== undefined) {
    const ended = payloadOf((await client.request(EndSessionDocument, { id })).signOut)
    return json ? output.document(ended) : output.line(`Session ${ended.sessionId} has ended.`)
  }
  const ended = payloadOf((await client.request(EndSessionsDocument, { input: { who: user } })).endSessions)
  if (json) return output.document(ended)
  output.line(ended.count === 1 ? 'One session has ended.' : `${ended.count} sessions have ended.`)
}
