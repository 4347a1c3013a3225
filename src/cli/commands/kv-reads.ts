import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { jsonDiff } from '#cli/json-diff.ts'
import { readCount } from '#cli/options.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { duration, moment, printable } from '#cli/text.ts'
import {
  EntryDetailsDocument,
  EntryHistoryDocument,
  EntryPageDocument,
  type EntrySummaryFragment,
} from '#client/index.ts'

export function addKvGetCommand(parent: Command, session: Session): void {
  const command = parent
    .command('get <key>')
    .summary('the value of an entry')
    .description('Prints the value of an entry as JSON; with --json, the whole entry.')
    .option('--raw', 'a text without its quotation marks')
    .addHelpText('after', () => examples(`${session.invocation} kv get flags/checkout`))
  session.api(command, async ({ client, output, json }, { raw }: { raw?: boolean }, key: string) => {
    const entry = found((await client.request(EntryDetailsDocument, { key })).entry, `entry "${key}"`)
    if (json) return output.document(entry)
    output.line(raw && typeof entry.value === 'string' ? entry.value : output.value(entry.value))
  })
}

interface ListOptions {
  readonly first: number
  readonly after?: string
}

const maxAtOnce = 200

export function addKvListCommand(parent: Command, session: Session): void {
  const command = parent
    .command('list [prefix]')
    .alias('ls')
    .summary('entries by their keys')
    .description('Lists the entries whose keys begin with the prefix, in the order of their keys.')
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 50)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} kv list flags/`))
  session.api(command, list)
}

async function list({ client, output, json }: Api, { first, after }: ListOptions, prefix = ''): Promise<void> {
  const { entries } = await client.request(EntryPageDocument, { prefix, first, after })
  const { nodes, pageInfo } = entries
  if (json) return output.document(entries)
  if (nodes.length === 0) return output.remark('No entries.')
  const now = Date.now()
  output.table(nodes, [
    { title: 'KEY', text: ({ key }) => printable(key), flexible: true },
    { title: 'VERSION', text: ({ version }) => String(version) },
    { title: 'CHANGED', text: ({ updatedAt }) => `${duration(now - Date.parse(updatedAt))} ago`, optional: true },
    { title: 'ENDS IN', text: (entry) => timeLeft(entry, now) },
    { title: 'VALUE', text: ({ value }) => printable(JSON.stringify(value)), flexible: true },
  ])
  if (pageInfo.hasNextPage) output.remark(`There are more: add --after ${pageInfo.endCursor}`)
}

function timeLeft({ expiresAt }: EntrySummaryFragment, now: number): string {
  return expiresAt === null ? '' : duration(Date.parse(expiresAt) - now)
}

export function addKvHistoryCommand(parent: Command, session: Session): void {
  const command = parent
    .command('history <key>')
    .summary('what an entry was, and who changed what')
    .description('Shows the stored versions of an entry, newest first, each with its changes.')
    .option('--first <count>', `how many, at most ${maxAtOnce}`, readCount, 10)
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} kv history flags/checkout`))
  session.api(command, history)
}

async function history({ client, output, json }: Api, { first, after }: ListOptions, key: string): Promise<void> {
  // One more than is shown: what the last one has changed can be told only beside the one before.
  const size = Math.min(first + 1, maxAtOnce)
  const { entry } = await client.request(EntryHistoryDocument, { key, first: size, after })
  const { nodes, pageInfo } = found(entry, `entry "${key}"`).history
  if (json) return output.document({ nodes: nodes.slice(0, first), pageInfo })
  nodes.slice(0, first).forEach(({ version, kind, value, at, by }, index) => {
    const head = `version ${version}  ${moment(at)}  ${printable(by.name)}`
    output.line(output.styled('cyan', kind === 'SET' ? head : `${head}  ${kind.toLowerCase()}`))
    const before = nodes[index + 1]
    if (kind !== 'SET') return
    if (before?.kind === 'SET') for (const line of jsonDiff(output, before.value, value)) output.line(`  ${line}`)
    else for (const line of output.value(value).split('\n')) output.line(`  ${line}`)
  })
}
