import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { collect, readDays, readDuration } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, moment, printable } from '#cli/text.ts'
import {
  type ApplicationTokenSummaryFragment,
  CreateApplicationTokenDocument,
  payloadOf,
  RotateApplicationTokenDocument,
} from '#client/index.ts'

interface CreateOptions {
  readonly scope?: readonly string[]
  readonly expiresIn?: number
  readonly personal?: boolean
}

export function addTokenCreateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('create <name>')
    .alias('issue')
    .summary('create an application token, or a personal one')
    .description(
      'Creates an application token, which needs access:admin, or after `login` a personal token, which never allows ' +
        'more than your current role. Standard output has the token and nothing else; it is shown once and not stored.',
    )
    .option(
      '-s, --scope <scope>',
      'what it may do, such as tasks:read or tasks:write:type=deploy.*; may be repeated, and must be given',
      collect,
    )
    .option('--expires-in <days>', 'after how long it expires, such as 90d (default: 30d)', readDays)
    .option('--personal', 'a token of yours rather than of the account (default without access:admin)')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} token create pipeline --scope 'tasks:write:type=deploy.*' --scope events:read`,
        `TOKEN=$(${session.invocation} token create nightly --scope tasks:write --expires-in 90d)`,
        `${session.invocation} token create laptop --personal --scope tasks:read`,
      ),
    )
  session.api(command, create)
}

async function create(
  { client, output, json }: Api,
  { scope, expiresIn, personal }: CreateOptions,
  name: string,
): Promise<void> {
  if (scope === undefined) throw new CommandFailure('A token needs a scope: give --scope, such as --scope tasks:read.')
  const input = { name, scopes: [...scope], expiresInDays: expiresIn, personal }
  const { createApplicationToken } = await client.request(CreateApplicationTokenDocument, { input })
  const { token, applicationToken } = payloadOf(createApplicationToken)
  if (json) return output.document({ token, applicationToken })
  const kind = applicationToken.owner === null ? 'Application token' : 'Personal token'
  output.remark(`${kind} ${applicationToken.id} was created: ${printable(name)}.`)
  tell(output, token, applicationToken)
}

interface RotateOptions {
  readonly overlap?: number
  readonly expiresIn?: number
}

export function addTokenRotateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('rotate <id>')
    .summary('replace an application token by a new one')
    .description(
      'Creates a successor with the same name and scopes, and ends the old token, at once or after --overlap. A token ' +
        'may rotate itself: without access:admin the successor expires when the old token would have. Standard output ' +
        'has the new token and nothing else.',
    )
    .option('--overlap <duration>', 'how long the old token stays valid: 30m, 1h, at most 7d', readDuration)
    .option('--expires-in <days>', 'after how long the new one expires, such as 90d (default: 30d)', readDays)
    .addHelpText('after', () => examples(`TOKEN=$(${session.invocation} token rotate 01a20d99-… --overlap 1h)`))
  session.api(command, rotate)
}

async function rotate(
  { client, output, json }: Api,
  { overlap = 0, expiresIn }: RotateOptions,
  id: string,
): Promise<void> {
  const input = { id, overlapMs: overlap, expiresInDays: expiresIn }
  const { rotateApplicationToken } = await client.request(RotateApplicationTokenDocument, { input })
  const { token, applicationToken } = payloadOf(rotateApplicationToken)
  if (json) return output.document({ token, applicationToken })
  output.remark(
    `Application token ${id} ${overlap > 0 ? `ends within ${duration(overlap)}` : 'is not accepted from now on'}.`,
  )
  output.remark(`Its successor is ${applicationToken.id}: ${printable(applicationToken.name)}.`)
  tell(output, token, applicationToken)
}

/** The token alone goes to standard output, so that a script can take it as it is. */
function tell(output: Output, token: string, { scopes, expiresAt }: ApplicationTokenSummaryFragment): void {
  output.remark(`It expires ${moment(expiresAt)}. Scopes: ${printable(scopes.join(', '))}.`)
  output.remark('It is shown only once:')
  output.line(token)
}
