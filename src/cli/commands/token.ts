import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addTokenCreateCommand, addTokenRotateCommand } from './token-issue.ts'
import { addTokenListCommand } from './token-list.ts'
import { addTokenResetOwnerCommand } from './token-reset-owner.ts'
import { addTokenRevokeCommand } from './token-revoke.ts'

/** Everything about application tokens. */
export function addTokenCommand(parent: Command, session: Session): void {
  const token = parent
    .command('token')
    .summary('make, renew and end application tokens')
    .description('Makes, renews and ends application tokens: what programs call with.')
  addTokenListCommand(token, session)
  addTokenCreateCommand(token, session)
  addTokenRotateCommand(token, session)
  addTokenRevokeCommand(token, session)
  addTokenResetOwnerCommand(token, session)
}
