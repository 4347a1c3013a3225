import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { readStandardInput, readText } from '#cli/input.ts'
import { collect } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { ExchangeTokenDocument, payloadOf } from '#client/index.ts'

interface ExchangeOptions {
  readonly oidcTokenFile?: string
  readonly oidcTokenEnv?: string
  readonly scope?: readonly string[]
}

export function addTokenExchangeCommand(parent: Command, session: Session): void {
  const command = parent
    .command('exchange')
    .summary('exchange the OIDC token of a CI job for a short-lived token')
    .description(
      'Exchanges the OIDC token of a CI job for a short-lived token, by the trust rules of the server. Needs no other ' +
        'token. Reads the OIDC token from standard input unless an option says otherwise. Standard output has the new ' +
        'token and nothing else.',
    )
    .option('--oidc-token-file <file>', 'the file with the OIDC token; -: standard input')
    .option('--oidc-token-env <name>', 'the environment variable with the OIDC token')
    .option('-s, --scope <scope>', 'only this scope of those that the trust rule grants; may be repeated', collect)
    .addHelpText('after', () =>
      examples(
        `export SIGNALBOX_TOKEN=$(${session.invocation} token exchange --oidc-token-env SIGNALBOX_ID_TOKEN)`,
        `${session.invocation} token exchange --scope tasks:read < oidc-token`,
      ),
    )
  session.anonymous(command, exchange)
}

async function exchange({ client, output, json, env }: Api, options: ExchangeOptions): Promise<void> {
  const input = { subjectToken: await readOidcToken(options, env), scopes: options.scope && [...options.scope] }
  const { exchangeToken } = await client.request(ExchangeTokenDocument, { input })
  // It is not about the credential of this command line, which the usual advice is for.
  if ('code' in exchangeToken && exchangeToken.code === 'UNAUTHENTICATED')
    throw new CommandFailure(exchangeToken.message, exitCodes.denied)
  const { token, expiresAt, scopes, rule } = payloadOf(exchangeToken)
  if (json) return output.document({ token, expiresAt, scopes, rule })
  const facts = `It expires ${moment(expiresAt)}. Scopes: ${printable(scopes.join(', '))}.`
  output.remark(`The trust rule ${rule} matches. ${facts}`)
  output.line(token)
}

/** Never from an argument, which other users of the machine could see. */
async function readOidcToken(
  { oidcTokenFile: file, oidcTokenEnv: name }: ExchangeOptions,
  env: Api['env'],
): Promise<string> {
  if (file !== undefined && name !== undefined)
    throw new CommandFailure('Give either --oidc-token-file or --oidc-token-env, not both.')
  if (name !== undefined) return present(env[name], `The environment variable ${name}`)
  if (file !== undefined && file !== '-') return present(await readText(file), `The file ${file}`)
  return present(await readStandardInput(), 'The standard input')
}

function present(text: string | undefined, source: string): string {
  const token = text?.trim() ?? ''
  if (token === '') throw new CommandFailure(`${source} has no OIDC token.`)
  return token
}
