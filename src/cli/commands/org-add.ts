import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { readStandardInput, readText } from '#cli/input.ts'
import { collect } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import {
  BeginSalesforceLoginDocument,
  payloadOf,
  RegisterSalesforceOrgDocument,
  RegisterSalesforceSandboxDocument,
} from '#client/index.ts'
import { readMetadata, tellOrg } from './org-text.ts'

interface AddOptions {
  readonly clientId?: string
  readonly keyFile?: string
  readonly clientSecretFile?: string
  readonly authUrlFile?: string
  readonly web?: boolean
  readonly sandbox?: string
  readonly production?: string
  readonly username?: string
  readonly loginUrl?: string
  readonly callbackUrl?: string
  readonly default?: boolean
  readonly devHub?: boolean
  readonly metadata?: readonly string[]
}

export function addOrgAddCommand(parent: Command, session: Session): void {
  const command = parent
    .command('add')
    .summary('register an org')
    .description(
      'Registers a Salesforce org, once a connection to it has succeeded: by JWT bearer (--key-file), web flow (--web), ' +
        'client credentials (--client-secret-file), SFDX auth URL (--auth-url-file), or a sandbox through its ' +
        'production org (--sandbox). Secrets are read from files; - stands for standard input.',
    )
    .option('--client-id <key>', 'the consumer key of the app')
    .option('--key-file <file>', 'JWT bearer: the private key of the app’s certificate, in PEM')
    .option('--web', 'web flow: shows an address at which somebody approves the app')
    .option('--client-secret-file <file>', 'the consumer secret of the app: client credentials, or with --web')
    .option('--auth-url-file <file>', 'an SFDX auth URL, as `sf org display --verbose` shows it')
    .option('--sandbox <name>', 'the name of a sandbox, with --production')
    .option('--production <org>', 'its production org, by username or id')
    .option('--username <username>', 'as whom the server acts; needed with --key-file')
    .option('--login-url <address>', 'where tokens are requested, such as https://acme.my.salesforce.com')
    .option('--callback-url <address>', 'web flow: the app’s callback URL, if it is not that of PUBLIC_URL')
    .option('--default', 'make it the default org')
    .option('--dev-hub', 'count it as a Dev Hub, whatever Salesforce says')
    .option('--metadata <name=value>', 'to filter by; may be repeated', collect)
    .addHelpText('after', () =>
      examples(
        `${session.invocation} org add --client-id 3MVG9… --username ci@acme.example --key-file server.key --default`,
        `${session.invocation} org add --web --client-id 3MVG9… --login-url https://acme.my.salesforce.com`,
        `sf org display --verbose --json | jq -r .result.sfdxAuthUrl | ${session.invocation} org add --auth-url-file -`,
        `${session.invocation} org add --sandbox dev1 --production ci@acme.example`,
      ),
    )
  session.api(command, add)
}

async function add(api: Api, options: AddOptions): Promise<void> {
  const { web, sandbox, production } = options
  if (web) return beginLogin(api, options)
  const settings = settingsOf(options)
  const { warnings, org } =
    sandbox === undefined
      ? payloadOf(
          (
            await api.client.request(RegisterSalesforceOrgDocument, {
              input: { ...(await wayOf(options)), ...settings },
            })
          ).registerSalesforceOrg,
        )
      : payloadOf(
          (
            await api.client.request(RegisterSalesforceSandboxDocument, {
              input: {
                sandboxName: sandbox,
                production: given(production, '--sandbox needs --production.'),
                ...settings,
              },
            })
          ).registerSalesforceSandbox,
        )
  for (const warning of warnings) api.output.remark(warning)
  if (api.json) return api.output.document(org)
  tellOrg(api.output, org)
}

async function beginLogin({ client, output, json }: Api, options: AddOptions): Promise<void> {
  const { clientSecretFile, loginUrl, username, callbackUrl } = options
  const clientId = given(options.clientId, '--web needs --client-id.')
  const clientSecret = clientSecretFile === undefined ? undefined : await readSecret(clientSecretFile)
  const input = { clientId, clientSecret, loginUrl, username, redirectUri: callbackUrl, ...settingsOf(options) }
  const login = payloadOf((await client.request(BeginSalesforceLoginDocument, { input })).beginSalesforceLogin)
  if (json) return output.document(login)
  output.remark(`Open this address in a browser and approve the app, until ${moment(login.expiresAt)}:`)
  output.line(printable(login.url))
}

/** The one way to register that the options stand for. */
async function wayOf({ clientId, keyFile, clientSecretFile, authUrlFile, username, loginUrl }: AddOptions) {
  const files = [keyFile, clientSecretFile, authUrlFile].filter((file) => file !== undefined)
  if (files.length !== 1)
    throw new CommandFailure('Give one of --key-file, --web, --client-secret-file, --auth-url-file and --sandbox.')
  if (authUrlFile !== undefined) return { authUrl: await readSecret(authUrlFile), username }
  const app = { clientId: given(clientId, 'The consumer key of the app is needed: give --client-id.') }
  if (keyFile === undefined)
    return { clientCredentials: { ...app, clientSecret: await readSecret(clientSecretFile ?? '') }, username, loginUrl }
  const user = given(username, '--key-file needs --username.')
  return { jwtBearer: { ...app, username: user, privateKey: await readSecret(keyFile) }, loginUrl }
}

function settingsOf({ default: isDefault, devHub: isDevHub, metadata }: AddOptions) {
  return { isDefault, isDevHub, metadata: readMetadata(metadata) }
}

async function readSecret(file: string): Promise<string> {
  return (file === '-' ? await readStandardInput() : await readText(file)).trim()
}

function given(value: string | undefined, complaint: string): string {
  if (value === undefined) throw new CommandFailure(complaint)
  return value
}
