import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { choice } from '#cli/options.ts'
import { fullName, personRoles } from '#cli/person-text.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import {
  CreateUserDocument,
  type PersonRole,
  payloadOf,
  RemoveUserDocument,
  UpdateUserDocument,
} from '#client/index.ts'

interface UserOptions {
  readonly firstName?: string
  readonly lastName?: string
  readonly role?: PersonRole
}

/** What can be said of a person, when they are let in and later. */
function withFacts(command: Command): Command {
  return command
    .option('--first-name <name>', 'their first name')
    .option('--last-name <name>', 'their last name')
    .option('--role <role>', `${personRoles.join(' or ')} of the account`, choice(personRoles))
}

export function addUserCreateCommand(parent: Command, session: Session): void {
  const command = withFacts(parent.command('create <email>'))
    .summary('let a person in')
    .description('Adds a person to the account, as a MEMBER unless --role says otherwise.')
    .addHelpText('after', () =>
      examples(`${session.invocation} user create ada@example.com --first-name Ada --last-name Lovelace`),
    )
  session.api(command, create)
}

async function create({ client, output, json }: Api, options: UserOptions, email: string): Promise<void> {
  const { firstName = '', lastName = '', role = 'MEMBER' } = options
  const input = { email, firstName, lastName, role }
  const { user } = payloadOf((await client.request(CreateUserDocument, { input })).createUser)
  if (json) return output.document(user)
  output.line(`${user.email} was added to the account: ${user.role}.`)
}

export function addUserUpdateCommand(parent: Command, session: Session): void {
  const command = withFacts(parent.command('update <email>'))
    .summary('change a person')
    .description(
      'Updates a person, given by e-mail address or id; options that are left out keep their values. Takes effect at once.',
    )
    .addHelpText('after', () => examples(`${session.invocation} user update ada@example.com --role owner`))
  session.api(command, update)
}

async function update({ client, output, json }: Api, options: UserOptions, email: string): Promise<void> {
  const { firstName, lastName, role } = options
  if ([firstName, lastName, role].every((change) => change === undefined))
    throw new CommandFailure('There is nothing to change: give --first-name, --last-name or --role.')
  const input = { who: email, firstName, lastName, role }
  const { user } = payloadOf((await client.request(UpdateUserDocument, { input })).updateUser)
  if (json) return output.document(user)
  output.line(`${user.email} was updated: ${[fullName(user), user.role].filter(Boolean).join(', ')}.`)
}

export function addUserRemoveCommand(parent: Command, session: Session): void {
  const command = parent
    .command('remove <email>')
    .summary('let a person go')
    .description('Removes a person from the account, and ends their sessions. What they did keeps their name.')
  session.api(command, async ({ client, output, json }, _options: object, email: string) => {
    const { user } = payloadOf((await client.request(RemoveUserDocument, { who: email })).removeUser)
    if (json) return output.document(user)
    output.line(`${user.email} was removed from the account.`)
  })
}
