import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { SecretInput } from '#cli/secret-input.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { payloadOf, SetPasswordDocument, ViewerDocument } from '#client/index.ts'

export function addUserPasswordCommand(parent: Command, session: Session): void {
  const command = parent
    .command('password <email>')
    .summary('give a person a password')
    .description(
      'Sets a person’s password, typed twice; your own after the current one. Where there is no terminal, each is ' +
        'a line of the standard input. All sessions of the person end.',
    )
    .addHelpText('after', () =>
      examples(
        `${session.invocation} user password ada@example.com`,
        `${session.invocation} user password ada@example.com < password.txt`,
      ),
    )
  session.api(command, setPassword)
}

async function setPassword({ client, output, json }: Api, _options: object, email: string): Promise<void> {
  const secrets = new SecretInput()
  const { viewer } = await client.request(ViewerDocument, {})
  const isOneself = viewer.kind === 'user' && [viewer.id, viewer.name].includes(email.toLowerCase())
  const presentPassword = isOneself ? await secrets.ask('Your present password') : undefined
  const password = await secrets.ask('The new password')
  if (secrets.isTyped && (await secrets.ask('Once more')) !== password)
    throw new CommandFailure('The two passwords differ; nothing was changed.')
  const input = { who: email, password, presentPassword }
  const { user } = payloadOf((await client.request(SetPasswordDocument, { input })).setPassword)
  if (json) return output.document(user)
  output.line(`The password of ${user.email} was changed.`)
}
