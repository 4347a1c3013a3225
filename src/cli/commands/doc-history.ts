import type { Command } from 'commander'
import { type CollectionOption, inCollection, readVersion } from '#cli/document-options.ts'
import { tellDifference } from '#cli/document-text.ts'
import { found } from '#cli/found.ts'
import { readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable, size } from '#cli/text.ts'
import { DocumentDocument, DocumentHistoryDocument } from '#client/index.ts'

interface HistoryOptions extends CollectionOption {
  readonly first: number
  readonly after?: string
}

export function addDocHistoryCommand(parent: Command, session: Session): void {
  const command = inCollection(parent.command('history <key>'))
    .summary('the versions of a document')
    .description('Lists the versions of a document, also of one that is deleted, newest first.')
    .option('--first <count>', 'how many, at most 200', readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
  session.api(command, history)
}

async function history({ client, output, json }: Api, options: HistoryOptions, key: string): Promise<void> {
  const { collection, first, after } = options
  const { document } = await client.request(DocumentHistoryDocument, { collection, key, first, after })
  const { nodes, pageInfo } = found(document, `document ${key} in ${collection}`).history
  if (json) return output.document({ nodes, pageInfo })
  output.table(nodes, [
    { title: 'VERSION', text: ({ version }) => String(version) },
    { title: 'AT', text: ({ at }) => moment(at) },
    { title: 'BY', text: ({ by }) => printable(by.name), flexible: true },
    { title: 'SIZE', text: (one) => (one.deleted ? '' : size(one.sizeBytes)) },
    { title: 'STATE', text: (one) => [one.deleted && 'deleted', one.pinned && 'pinned'].filter(Boolean).join(', ') },
  ])
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

export function addDocDiffCommand(parent: Command, session: Session): void {
  const command = inCollection(parent.command('diff <key> [from] [to]'))
    .summary('what is different between two versions')
    .description('Shows the differences between two versions: the last two, or a given one and the current one.')
    .addHelpText('after', () => examples(`${session.invocation} doc diff web 3 5 -c releases/prod`))
  session.api(command, diff)
}

async function diff(
  api: Api,
  { collection }: CollectionOption,
  key: string,
  from?: string,
  to?: string,
): Promise<void> {
  const { client, output, json } = api
  const { document } = await client.request(DocumentHistoryDocument, { collection, key, first: 1 })
  const last = found(document, `document ${key} in ${collection}`).version
  const [before, after] = [from === undefined ? last - 1 : readVersion(from), to === undefined ? last : readVersion(to)]
  const heldAt = async (version: number) =>
    version === 0
      ? null
      : found(
          (await client.request(DocumentDocument, { collection, key, version })).document,
          `version ${version} of ${key}`,
        ).data
  const [old, now] = await Promise.all([heldAt(before), heldAt(after)])
  if (json) return output.document({ from: { version: before, data: old }, to: { version: after, data: now } })
  const isDifferent = tellDifference(
    output,
    { name: `version ${before}`, value: old },
    { name: `version ${after}`, value: now },
  )
  if (!isDifferent) output.remark('Nothing is different.')
}
