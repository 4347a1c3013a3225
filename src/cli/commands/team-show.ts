import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import type { Output } from '#cli/output.ts'
import { fullName } from '#cli/person-text.ts'
import type { Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { type TeamDetailsFragment, TeamDocument } from '#client/index.ts'

export function addTeamShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show <slug>')
    .summary('a team and who is in it')
    .description('Shows a team and its members.')
  session.api(command, async ({ client, output, json }, _options: object, slug: string) => {
    const team = found((await client.request(TeamDocument, { slug })).team, `team ${slug}`)
    if (json) output.document(team)
    else show(output, team)
  })
}

function show(output: Output, { slug, name, description, createdAt, id, members }: TeamDetailsFragment): void {
  output.properties([
    ['slug', slug],
    ['name', printable(name)],
    ['description', printable(description)],
    ['made', moment(createdAt)],
    ['id', id],
  ])
  if (members.nodes.length === 0) return
  output.line()
  output.table(members.nodes, [
    { title: 'MEMBER', text: ({ user }) => user.email },
    { title: 'NAME', text: ({ user }) => fullName(user), flexible: true },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'SINCE', text: ({ joinedAt }) => moment(joinedAt) },
  ])
  if (members.pageInfo.hasNextPage) output.remark(`There are more: see user list --team ${slug}`)
}
