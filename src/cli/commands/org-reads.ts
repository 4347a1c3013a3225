import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { choices, collect, readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import {
  SalesforceOrgDocument,
  type SalesforceOrgKind,
  type SalesforceOrgState,
  SalesforceOrgsDocument,
} from '#client/index.ts'
import { orgStyles, readMetadata, tellOrg } from './org-text.ts'

interface ListOptions {
  readonly kind?: SalesforceOrgKind[]
  readonly state?: SalesforceOrgState[]
  readonly devHub?: boolean
  readonly metadata?: readonly string[]
  readonly first: number
  readonly after?: string
}

const kinds: readonly SalesforceOrgKind[] = ['PRODUCTION', 'SANDBOX', 'SCRATCH', 'DEVELOPER']
const states: readonly SalesforceOrgState[] = ['ACTIVE', 'NEEDS_REAUTHORIZATION', 'BLOCKED', 'LOCKED', 'MAINTENANCE']

export function addOrgListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the registered orgs, newest first')
    .description('Lists the registered Salesforce orgs, newest first.')
    .option('--kind <kinds>', `some of ${kinds.join(', ')}`, choices(kinds))
    .option('--state <states>', `some of ${states.join(', ')}`, choices(states))
    .option('--dev-hub', 'only Dev Hubs')
    .option('--metadata <name=value>', 'only orgs with this in their metadata; may be repeated', collect)
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} org list --kind sandbox --metadata team=billing`))
  session.api(command, list)
}

async function list({ client, output, json }: Api, { devHub, metadata, ...options }: ListOptions): Promise<void> {
  const variables = { ...options, isDevHub: devHub, metadata: readMetadata(metadata) }
  const { salesforceOrgs } = await client.request(SalesforceOrgsDocument, variables)
  if (json) return output.document(salesforceOrgs)
  if (salesforceOrgs.nodes.length === 0) return output.remark('No orgs.')
  output.table(salesforceOrgs.nodes, [
    { title: 'USERNAME', text: ({ username }) => printable(username), flexible: true },
    { title: 'KIND', text: ({ kind }) => kind },
    { title: 'STATE', text: ({ state }) => state, style: ({ state }) => orgStyles[state] },
    { title: 'DEFAULT', text: ({ isDefault }) => (isDefault ? 'yes' : '') },
    { title: 'DEV HUB', text: ({ isDevHub }) => (isDevHub ? 'yes' : ''), optional: true },
    { title: 'ORG ID', text: ({ orgId }) => orgId, optional: true },
    { title: 'INSTANCE', text: ({ instanceUrl }) => printable(instanceUrl), flexible: true, optional: true },
  ])
  const { pageInfo } = salesforceOrgs
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

export function addOrgShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show [org]')
    .summary('one org')
    .description('Shows a Salesforce org, by id or username; the default org when none is given.')
  session.api(command, async ({ client, output, json }, _options: object, name?: string) => {
    const { salesforceOrg } = await client.request(SalesforceOrgDocument, { org: name })
    const org = found(salesforceOrg, name === undefined ? 'default org' : `Salesforce org ${name}`)
    if (json) return output.document(org)
    tellOrg(output, org)
  })
}
