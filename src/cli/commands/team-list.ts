import type { Command } from 'commander'
import { readCount } from '#cli/options.ts'
import type { Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { TeamsDocument } from '#client/index.ts'

interface ListOptions {
  readonly first: number
  readonly after?: string
}

const maxAtOnce = 200

export function addTeamListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the teams, oldest first')
    .description('Lists the teams of the account, oldest first.')
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
  session.api(command, async ({ client, output, json }, { first, after }: ListOptions) => {
    const { teams } = await client.request(TeamsDocument, { first, after })
    if (json) return output.document(teams)
    if (teams.nodes.length === 0) return output.remark('No teams.')
    output.table(teams.nodes, [
      { title: 'SLUG', text: ({ slug }) => slug },
      { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
      { title: 'DESCRIPTION', text: ({ description }) => printable(description), flexible: true },
      { title: 'MADE', text: ({ createdAt }) => moment(createdAt), optional: true },
    ])
    if (teams.pageInfo.hasNextPage) output.remark(`There are more: add --after ${teams.pageInfo.endCursor}`)
  })
}
