import type { Command } from 'commander'
import { type CollectionOption, inCollection, readVersion } from '#cli/document-options.ts'
import { placeOf, versionText } from '#cli/document-text.ts'
import { found } from '#cli/found.ts'
import { parseJson, readMoment } from '#cli/input.ts'
import { readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, printable, size } from '#cli/text.ts'
import { CollectionsDocument, DocumentDocument, type DocumentFilter, DocumentsDocument } from '#client/index.ts'

interface ListOptions {
  readonly where?: string
  readonly first: number
  readonly after?: string
}

const pageSize = 50

export function addDocListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list [pattern]')
    .alias('ls')
    .summary('documents, by collection and key')
    .description('Lists documents of the collections that the path pattern matches; those of "default" without one.')
    .option('--where <filter>', 'a filter as the API has it, in JSON')
    .option('--first <count>', 'how many, at most 200', readCount, pageSize)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} doc list 'releases/**'`,
        `${session.invocation} doc list '**' --where '{"path": "state", "eq": "live"}'`,
      ),
    )
  session.api(command, list)
}

async function list(
  { client, output, json }: Api,
  { where, first, after }: ListOptions,
  pattern = 'default',
): Promise<void> {
  const filter = where === undefined ? null : (parseJson(where, '--where') as DocumentFilter)
  const { documents } = await client.request(DocumentsDocument, { in: pattern, where: filter, first, after })
  const { nodes, pageInfo } = documents
  if (json) return output.document(documents)
  if (nodes.length === 0) return output.remark('No documents.')
  const now = Date.now()
  output.table(nodes, [
    { title: 'COLLECTION', text: ({ collection }) => printable(collection), flexible: true },
    { title: 'KEY', text: ({ key }) => printable(key), flexible: true },
    { title: 'VERSION', text: ({ version }) => String(version) },
    { title: 'AGE', text: ({ updatedAt }) => duration(now - Date.parse(updatedAt)) },
    { title: 'BY', text: ({ updatedBy }) => printable(updatedBy.name), flexible: true, optional: true },
    { title: 'SIZE', text: ({ sizeBytes }) => size(sizeBytes), optional: true },
  ])
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

interface GetOptions extends CollectionOption {
  readonly atVersion?: number
  readonly at?: string
}

export function addDocGetCommand(parent: Command, session: Session): void {
  const command = inCollection(parent.command('get <key>'))
    .summary('what a document holds')
    .description('Prints the data of a document. With --json, everything that is known of it.')
    .option('--at-version <version>', 'as this version made it', readVersion)
    .option('--at <moment>', 'its state at this time, such as 2026-11-24T18:00:00Z')
    .addHelpText('after', () => examples(`${session.invocation} doc get web -c releases/prod --at-version 3`))
  session.api(command, get)
}

async function get({ client, output, json }: Api, options: GetOptions, key: string): Promise<void> {
  const { collection, atVersion: version, at } = options
  const which = { collection, key, version, at: at === undefined ? undefined : readMoment(at) }
  const document = found((await client.request(DocumentDocument, which)).document, `document ${key} in ${collection}`)
  if (json) return output.document(document)
  output.remark(`${placeOf(document)}: ${versionText(document)}`)
  output.line(output.value(document.data))
}

export function addDocCollectionsCommand(parent: Command, session: Session): void {
  const command = parent
    .command('collections [prefix]')
    .summary('collections, by their paths')
    .description('Lists the collections whose paths begin with the prefix; all without one.')
    .option('--first <count>', 'how many, at most 200', readCount, pageSize)
    .option('--after <cursor>', 'continue after this cursor')
  session.api(command, collections)
}

async function collections(
  { client, output, json }: Api,
  { first, after }: Omit<ListOptions, 'where'>,
  prefix = '',
): Promise<void> {
  const { collections } = await client.request(CollectionsDocument, { prefix, first, after })
  const { nodes, pageInfo } = collections
  if (json) return output.document(collections)
  if (nodes.length === 0) return output.remark('No collections.')
  output.table(nodes, [
    { title: 'PATH', text: ({ path }) => printable(path), flexible: true },
    { title: 'DOCUMENTS', text: ({ documentCount }) => (documentCount === null ? '' : String(documentCount)) },
    { title: 'RULES', text: (one) => rulesText(one) },
  ])
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

function rulesText({ requireVersion, schema }: { requireVersion: boolean; schema: unknown }): string {
  return [requireVersion && 'versions required', schema !== null && 'schema'].filter(Boolean).join(', ')
}
