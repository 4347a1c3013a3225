import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addTokenExchangeCommand } from './token-exchange.ts'
import { addTokenCreateCommand, addTokenRotateCommand } from './token-issue.ts'
import { addTokenListCommand } from './token-list.ts'
import { addTokenResetOwnerCommand } from './token-reset-owner.ts'
import { addTokenRevokeCommand } from './token-revoke.ts'

/** Everything about application tokens. */
export function addTokenCommand(parent: Command, session: Session): void {
  const token = parent
    .command('token')
    .summary('create, rotate and revoke application tokens')
    .description('Creates, rotates and revokes application tokens, the credentials of programs.')
  addTokenListCommand(token, session)
  addTokenCreateCommand(token, session)
  addTokenRotateCommand(token, session)
  addTokenRevokeCommand(token, session)
  addTokenExchangeCommand(token, session)
  addTokenResetOwnerCommand(token, session)
}
