import type { Command } from 'commander'
import { choice } from '#cli/options.ts'
import { personRoles } from '#cli/person-text.ts'
import { examples, type Session } from '#cli/session.ts'
import {
  AddTeamMemberDocument,
  type PersonRole,
  payloadOf,
  RemoveTeamMemberDocument,
  UpdateTeamMemberDocument,
} from '#client/index.ts'

const roleText = `${personRoles.join(' or ')} of the team`

export function addTeamAddMemberCommand(parent: Command, session: Session): void {
  const command = parent
    .command('add-member <slug> <email>')
    .summary('take a person into a team')
    .description('Adds a person of the account to a team, as a MEMBER unless --role says otherwise.')
    .option('--role <role>', roleText, choice(personRoles))
    .addHelpText('after', () => examples(`${session.invocation} team add-member engine ada@example.com --role owner`))
  session.api(command, async (api, { role = 'MEMBER' }: { role?: PersonRole }, slug: string, email: string) => {
    const input = { slug, who: email, role }
    const { team } = payloadOf((await api.client.request(AddTeamMemberDocument, { input })).addTeamMember)
    if (api.json) return api.output.document(team)
    api.output.line(`Added ${email} to ${slug}: ${role}.`)
  })
}

export function addTeamSetRoleCommand(parent: Command, session: Session): void {
  const command = parent
    .command('set-role <slug> <email>')
    .argument('<role>', roleText, choice(personRoles))
    .summary('change what a person is in a team')
    .description('Changes a person’s role in a team. The last owner stays one.')
    .addHelpText('after', () => examples(`${session.invocation} team set-role engine ada@example.com owner`))
  session.api(command, async (api, _options: object, slug: string, email: string, role: PersonRole) => {
    const input = { slug, who: email, role }
    const { team } = payloadOf((await api.client.request(UpdateTeamMemberDocument, { input })).updateTeamMember)
    if (api.json) return api.output.document(team)
    api.output.line(`${email} is now ${role} of ${slug}.`)
  })
}

export function addTeamRemoveMemberCommand(parent: Command, session: Session): void {
  const command = parent
    .command('remove-member <slug> <email>')
    .summary('take a person out of a team')
    .description('Removes a person from a team. The last owner stays.')
  session.api(command, async ({ client, output, json }, _options: object, slug: string, email: string) => {
    const { removeTeamMember } = await client.request(RemoveTeamMemberDocument, { slug, who: email })
    const { team } = payloadOf(removeTeamMember)
    if (json) return output.document(team)
    output.line(`Removed ${email} from ${slug}.`)
  })
}
