import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { choices, collect, readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, moment, printable } from '#cli/text.ts'
import { type EnvironmentCategory, EnvironmentDetailsDocument, EnvironmentPageDocument } from '#client/index.ts'
import { environmentCategories, tellEnvironment } from './environment-text.ts'

interface ListOptions {
  readonly category?: EnvironmentCategory[]
  readonly repository?: string
  readonly branch?: string
  readonly tag?: string[]
  readonly active?: boolean
  readonly first: number
  readonly after?: string
}

export function addEnvironmentListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list')
    .alias('ls')
    .summary('the environments, and who holds them')
    .description('Lists environments by repository and name, with who holds them.')
    .option('--category <category>', `one of ${environmentCategories.join(', ')}`, choices(environmentCategories))
    .option('--repository <name>', 'only of this repository')
    .option('--branch <name>', 'only of this branch')
    .option('--tag <tag>', 'only with this tag; may be repeated', collect)
    .option('--active', 'only those that can be acquired')
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} environment list --category test --tag pool`))
  session.api(command, list)
}

async function list(
  { client, output, json }: Api,
  { category, tag, active, repository, branch, first, after }: ListOptions,
): Promise<void> {
  const variables = { repository, branch, first, after, category: category?.[0], tags: tag, isActive: active }
  const { environments } = await client.request(EnvironmentPageDocument, variables)
  if (json) return output.document(environments)
  if (environments.nodes.length === 0) return output.remark('No environments.')
  const now = Date.now()
  output.table(environments.nodes, [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => printable(name), flexible: true },
    { title: 'CATEGORY', text: ({ category: kind }) => kind },
    { title: 'ORG', text: ({ orgUsername }) => printable(orgUsername ?? ''), flexible: true, optional: true },
    { title: 'HELD BY', text: ({ lease }) => printable(lease?.holder.name ?? ''), flexible: true },
    { title: 'WHY', text: ({ lease }) => printable(lease?.reason ?? ''), flexible: true, optional: true },
    { title: 'ENDS IN', text: ({ lease }) => (lease === null ? '' : duration(Date.parse(lease.expiresAt) - now)) },
  ])
  const { pageInfo } = environments
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

export function addEnvironmentShowCommand(parent: Command, session: Session): void {
  const command = parent
    .command('show <id>')
    .summary('one environment, who holds it, and who is next')
    .description('Shows an environment, who holds it and why, and who waits for it.')
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const { environment } = await client.request(EnvironmentDetailsDocument, { id })
    const known = found(environment, `environment ${id}`)
    if (json) return output.document(known)
    const waiting = known.queue.map(({ actor, queuedAt, reason }) => {
      const why = reason === null ? '' : `: ${printable(reason)}`
      return `${printable(actor.name)}, since ${moment(queuedAt)}${why}`
    })
    tellEnvironment(output, known, waiting.length === 0 ? undefined : waiting.join('\n'))
  })
}
