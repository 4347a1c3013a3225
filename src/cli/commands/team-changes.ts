import type { Command } from 'commander'
import { type Api, examples, type Session } from '#cli/session.ts'
import { CreateTeamDocument, DeleteTeamDocument, payloadOf } from '#client/index.ts'

interface CreateOptions {
  readonly name?: string
  readonly description?: string
}

export function addTeamCreateCommand(parent: Command, session: Session): void {
  const command = parent
    .command('create <slug>')
    .summary('create a team')
    .description('Creates a team with a slug: 1 to 63 of a-z, 0-9 and, between them, -.')
    .option('--name <name>', 'for people (default: the slug)')
    .option('--description <text>', 'what they do')
    .addHelpText('after', () => examples(`${session.invocation} team create engine --name 'The engine'`))
  session.api(command, create)
}

async function create({ client, output, json }: Api, options: CreateOptions, slug: string): Promise<void> {
  const { name = slug, description = '' } = options
  const input = { slug, name, description }
  const { team } = payloadOf((await client.request(CreateTeamDocument, { input })).createTeam)
  if (json) return output.document(team)
  output.line(`Created team ${team.slug}.`)
}

export function addTeamDeleteCommand(parent: Command, session: Session): void {
  const command = parent
    .command('delete <slug>')
    .summary('delete a team')
    .description('Deletes a team; the last one cannot be deleted. Its members stay in the account.')
  session.api(command, async ({ client, output, json }, _options: object, slug: string) => {
    const { id } = payloadOf((await client.request(DeleteTeamDocument, { slug })).deleteTeam)
    if (json) return output.document({ id, slug })
    output.line(`The team ${slug} was deleted.`)
  })
}
