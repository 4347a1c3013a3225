import type { Command } from 'commander'
import { choices, collect } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import {
  CreateEnvironmentDocument,
  DeleteEnvironmentDocument,
  type EnvironmentCategory,
  payloadOf,
} from '#client/index.ts'
import { environmentCategories, tellEnvironment } from './environment-text.ts'
import { readMetadata } from './org-text.ts'

interface CreateOptions {
  readonly category: EnvironmentCategory[]
  readonly description?: string
  readonly repository?: string
  readonly org?: string
  readonly devHub?: string
  readonly branch?: string
  readonly tag?: string[]
  readonly default?: boolean
  readonly metadata?: readonly string[]
}

export function addEnvironmentCreateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('create <name>')
    .summary('create an environment')
    .description('Creates an environment, such as for a test org.')
    .requiredOption(
      '--category <category>',
      `one of ${environmentCategories.join(', ')}`,
      choices(environmentCategories),
    )
    .option('--description <text>', 'what it is, for people')
    .option('--repository <name>', 'whose it is, such as acme/shop')
    .option('--org <username>', 'the username of its Salesforce org')
    .option('--dev-hub <username>', 'the username of the Dev Hub that it comes from')
    .option('--branch <name>', 'the branch that it belongs to')
    .option('--tag <tag>', 'to find it by; may be repeated', collect)
    .option('--default', 'prefer it when several are free')
    .option('--metadata <name=value>', 'what its users want to know; may be repeated', collect)
    .addHelpText('after', () =>
      examples(`${session.invocation} environment create qa1 --category test --org qa1@acme.example --tag pool`),
    )
  session.api(command, create)
}

async function create({ client, output, json }: Api, options: CreateOptions, name: string): Promise<void> {
  const { category, org, devHub, tag, default: isDefault, metadata, description, repository, branch } = options
  const input = {
    name,
    description,
    repository,
    branch,
    category: category[0] ?? 'DEV',
    orgUsername: org,
    devHubUsername: devHub,
    tags: tag,
    isDefault,
    metadata: readMetadata(metadata),
  }
  const { environment } = payloadOf((await client.request(CreateEnvironmentDocument, { input })).createEnvironment)
  if (json) output.document(environment)
  else tellEnvironment(output, environment)
}

export function addEnvironmentDeleteCommand(parent: Command, session: Session): void {
  const command = parent
    .command('delete <id>')
    .summary('delete an environment')
    .description('Deletes an environment; its holder loses it, and those who wait for it go without.')
  session.api(command, async ({ client, output, json }: Api, _options: object, id: string) => {
    const answer = await client.request(DeleteEnvironmentDocument, { input: { id } })
    const { environment } = payloadOf(answer.deleteEnvironment)
    if (json) output.document(environment)
    else output.remark(`The environment ${printable(environment.name)} was deleted.`)
  })
}
