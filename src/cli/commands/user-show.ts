import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { fullName } from '#cli/person-text.ts'
import type { Session } from '#cli/session.ts'
import { moment } from '#cli/text.ts'
import { UserDocument } from '#client/index.ts'

export function addUserShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show <email>')
    .summary('who a person is')
    .description('Shows a person, named by e-mail address or id.')
  session.api(command, async ({ client, output, json }, _options: object, email: string) => {
    const user = found((await client.request(UserDocument, { who: email })).user, `user ${email}`)
    if (json) return output.document(user)
    output.properties([
      ['email', user.email],
      ['name', fullName(user)],
      ['role', user.role],
      ['teams', user.memberships.map(({ team, role }) => `${team.slug} (${role})`).join(', ')],
      ['let in', moment(user.createdAt)],
      ['signed in', user.lastSignInAt === null ? 'never' : moment(user.lastSignInAt)],
      ['id', user.id],
    ])
  })
}
