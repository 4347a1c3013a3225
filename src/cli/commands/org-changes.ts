import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { collect } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import {
  OpenSalesforceOrgDocument,
  payloadOf,
  RemoveSalesforceOrgDocument,
  TestSalesforceOrgDocument,
  UpdateSalesforceOrgDocument,
} from '#client/index.ts'
import { readMetadata, tellOrg } from './org-text.ts'

interface UpdateOptions {
  readonly default?: boolean
  readonly devHub?: boolean
  readonly metadata?: readonly string[]
}

export function addOrgUpdateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('update <org>')
    .summary('change what is decided about an org')
    .description('Changes whether an org is the default one or counts as a Dev Hub, and its metadata.')
    .option('--default', 'make it the default org')
    .option('--no-default', 'let it be the default org no longer')
    .option('--dev-hub', 'count it as a Dev Hub')
    .option('--no-dev-hub', 'count it as a Dev Hub no longer')
    .option('--metadata <name=value>', 'all of its metadata; may be repeated', collect)
    .addHelpText('after', () => examples(`${session.invocation} org update ci@acme.example --default`))
  session.api(command, update)
}

async function update({ client, output, json }: Api, options: UpdateOptions, name: string): Promise<void> {
  const { default: isDefault, devHub: isDevHub, metadata } = options
  if ([isDefault, isDevHub, metadata].every((change) => change === undefined))
    throw new CommandFailure('There is nothing to change: give --default, --dev-hub or --metadata.')
  const input = { org: name, isDefault, isDevHub, metadata: readMetadata(metadata) }
  const { org } = payloadOf((await client.request(UpdateSalesforceOrgDocument, { input })).updateSalesforceOrg)
  if (json) return output.document(org)
  tellOrg(output, org)
}

export function addOrgTestCommand(parent: Command, session: Session): void {
  const command = parent
    .command('test <org>')
    .summary('connect to an org')
    .description('Connects to an org, by username or id. Exit code 1 when there is no connection.')
  session.api(command, test)
}

async function test({ client, output, json }: Api, _options: object, name: string): Promise<number> {
  const result = payloadOf(
    (await client.request(TestSalesforceOrgDocument, { input: { org: name } })).testSalesforceOrg,
  )
  const { isConnected, apiVersion, latencyMs, error, org } = result
  const exitCode = isConnected ? exitCodes.ok : exitCodes.failed
  if (json) output.document(result)
  else if (isConnected) output.line(`${printable(org.username)} is connected: API ${apiVersion}, ${latencyMs} ms.`)
  else output.line(`${printable(org.username)} is not connected (${org.state}): ${printable(error ?? '')}`)
  return exitCode
}

export function addOrgOpenCommand(parent: Command, session: Session): void {
  const command = parent
    .command('open <org>')
    .summary('a link that opens an org in a browser')
    .description(
      'Makes a link that logs a browser in to an org as its user. Standard output has the link and nothing else; it is a secret.',
    )
    .option('--path <path>', 'where in the org, such as /lightning/setup/SetupOneHome/home')
    .addHelpText('after', () => examples(`xdg-open "$(${session.invocation} org open ci@acme.example)"`))
  session.api(command, open)
}

async function open({ client, output, json }: Api, { path }: { path?: string }, name: string): Promise<void> {
  const input = { org: name, path }
  const door = payloadOf((await client.request(OpenSalesforceOrgDocument, { input })).openSalesforceOrg)
  if (json) return output.document(door)
  output.remark(
    door.isOneTime ? 'This link works once:' : 'This link holds the session itself; treat it as a password:',
  )
  output.line(door.url)
}

export function addOrgRemoveCommand(parent: Command, session: Session): void {
  const command = parent
    .command('remove <org>')
    .alias('rm')
    .summary('remove an org')
    .description('Removes an org with its credential, and revokes its authorization at Salesforce.')
    .option('--no-revoke', 'leave the authorization as it is, such as when others use its refresh token')
  session.api(command, remove)
}

async function remove({ client, output, json }: Api, { revoke }: { revoke: boolean }, name: string): Promise<void> {
  const input = { org: name, revoke }
  const removed = payloadOf((await client.request(RemoveSalesforceOrgDocument, { input })).removeSalesforceOrg)
  if (json) return output.document(removed)
  const { username, isRevoked, revocationError } = removed
  output.line(`${printable(username)} is removed${isRevoked ? ', and its authorization is revoked' : ''}.`)
  if (revocationError !== null) output.remark(`It could not be revoked: ${printable(revocationError)}`)
}
