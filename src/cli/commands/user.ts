import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addUserCreateCommand, addUserRemoveCommand, addUserUpdateCommand } from './user-changes.ts'
import { addUserListCommand } from './user-list.ts'
import { addUserPasswordCommand } from './user-password.ts'
import { addUserShowCommand } from './user-show.ts'

/** Everything about the people of the account. */
export function addUserCommand(parent: Command, session: Session): void {
  const user = parent
    .command('user')
    .summary('manage the people of the account')
    .description('Lets people in and go, and says who they are.')
  for (const add of [
    addUserListCommand,
    addUserShowCommand,
    addUserCreateCommand,
    addUserUpdateCommand,
    addUserPasswordCommand,
    addUserRemoveCommand,
  ])
    add(user, session)
}
