import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addTeamCreateCommand, addTeamDeleteCommand } from './team-changes.ts'
import { addTeamListCommand } from './team-list.ts'
import { addTeamAddMemberCommand, addTeamRemoveMemberCommand, addTeamSetRoleCommand } from './team-members.ts'
import { addTeamShowCommand } from './team-show.ts'

/** Everything about teams and who is in them. */
export function addTeamCommand(parent: Command, session: Session): void {
  const team = parent
    .command('team')
    .summary('manage teams and their members')
    .description('Makes teams, and says who is in them.')
  for (const add of [
    addTeamListCommand,
    addTeamShowCommand,
    addTeamCreateCommand,
    addTeamDeleteCommand,
    addTeamAddMemberCommand,
    addTeamSetRoleCommand,
    addTeamRemoveMemberCommand,
  ])
    add(team, session)
}
