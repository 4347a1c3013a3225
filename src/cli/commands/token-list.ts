import type { Command } from 'commander'
import { choices, readCount } from '#cli/options.ts'
import type { Output, Style } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, printable } from '#cli/text.ts'
import {
  type ApplicationTokenStatus,
  type ApplicationTokenSummaryFragment,
  ApplicationTokensDocument,
} from '#client/index.ts'

interface ListOptions {
  readonly status?: ApplicationTokenStatus[]
  readonly first: number
  readonly after?: string
  readonly owner?: string
}

const statuses: readonly ApplicationTokenStatus[] = ['ACTIVE', 'EXPIRED', 'REVOKED']
const styles: Readonly<Record<ApplicationTokenStatus, Style>> = { ACTIVE: 'green', EXPIRED: 'dim', REVOKED: 'dim' }
const maxAtOnce = 200

export function addTokenListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the application tokens, newest first')
    .description('Lists application tokens, newest first; without access:admin your personal tokens.')
    .option('--owner <person>', 'only the personal tokens of this person, by id or e-mail address')
    .option('--status <statuses>', `some of ${statuses.join(', ')}`, choices(statuses))
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} token list --status active`))
  session.api(command, list)
}

async function list({ client, output, json }: Api, { owner, status, first, after }: ListOptions): Promise<void> {
  const { applicationTokens } = await client.request(ApplicationTokensDocument, { owner, status, first, after })
  const { nodes, pageInfo } = applicationTokens
  if (json) return output.document(applicationTokens)
  if (nodes.length === 0) return output.remark('No application tokens.')
  table(output, nodes)
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

function table(output: Output, tokens: readonly ApplicationTokenSummaryFragment[]): void {
  const now = Date.now()
  output.table(tokens, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
    { title: 'OWNER', text: ({ owner }) => printable(owner?.name ?? ''), flexible: true, optional: true },
    { title: 'STATUS', text: ({ status }) => status, style: ({ status }) => styles[status] },
    { title: 'ENDS IN', text: (token) => (token.status === 'ACTIVE' ? timeLeft(token, now) : '') },
    { title: 'LAST USED', text: (token) => lastUse(token, now), optional: true },
    { title: 'SCOPES', text: ({ scopes }) => printable(scopes.join(', ')), flexible: true, optional: true },
  ])
}

function timeLeft({ expiresAt }: ApplicationTokenSummaryFragment, now: number): string {
  return duration(Date.parse(expiresAt) - now)
}

function lastUse({ lastUsedAt }: ApplicationTokenSummaryFragment, now: number): string {
  return lastUsedAt === null ? 'never' : `${duration(now - Date.parse(lastUsedAt))} ago`
}
