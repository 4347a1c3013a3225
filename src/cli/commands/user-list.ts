import type { Command } from 'commander'
import { choice, readCount } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { fullName, personRoles } from '#cli/person-text.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment } from '#cli/text.ts'
import { type PersonRole, type UserSummaryFragment, UsersDocument } from '#client/index.ts'

interface ListOptions {
  readonly role?: PersonRole
  readonly team?: string
  readonly first: number
  readonly after?: string
}

const maxAtOnce = 200

export function addUserListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the people of the account, by e-mail address')
    .description('Lists the people of the account, by e-mail address.')
    .option('--role <role>', personRoles.join(' or '), choice(personRoles))
    .option('--team <slug>', 'who are in this team')
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} user list --role owner`))
  session.api(command, list)
}

async function list({ client, output, json }: Api, { role, team, first, after }: ListOptions): Promise<void> {
  const { users } = await client.request(UsersDocument, { role, team, first, after })
  if (json) return output.document(users)
  if (users.nodes.length === 0) return output.remark('No users.')
  table(output, users.nodes)
  if (users.pageInfo.hasNextPage) output.remark(`There are more: add --after ${users.pageInfo.endCursor}`)
}

function table(output: Output, users: readonly UserSummaryFragment[]): void {
  output.table(users, [
    { title: 'EMAIL', text: ({ email }) => email },
    { title: 'NAME', text: (user) => fullName(user), flexible: true },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'TEAMS', text: ({ memberships }) => memberships.map(({ team }) => team.slug).join(', '), flexible: true },
    {
      title: 'SIGNED IN',
      text: ({ lastSignInAt }) => (lastSignInAt === null ? 'never' : moment(lastSignInAt)),
      optional: true,
    },
  ])
}
