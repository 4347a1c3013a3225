import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { parseJson } from '#cli/input.ts'
import { linesOf } from '#cli/lines.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import {
  type DocumentFilter,
  DocumentsDocument,
  type DocumentsQuery,
  payloadOf,
  WriteDocumentsDocument,
} from '#client/index.ts'

const pageSize = 200

export function addDocExportCommand(parent: Command, session: Session): void {
  const command = parent
    .command('export [pattern]')
    .summary('documents, one a line')
    .description(
      'Writes documents as JSON, each on a line of its own, by collection and key: of the collections that the path ' +
        'pattern matches, or all. Page by page, so it is as large as it may be; what is changed meanwhile may be in it or not.',
    )
    .option('--where <filter>', 'a filter as the API has it, in JSON')
    .addHelpText('after', () => examples(`${session.invocation} doc export 'releases/**' > releases.ndjson`))
  session.api(command, exportAll)
}

async function exportAll({ client, output }: Api, options: { where?: string }, pattern = '**'): Promise<void> {
  const where = options.where === undefined ? null : (parseJson(options.where, '--where') as DocumentFilter)
  let count = 0
  for (let after: string | null = null; ; ) {
    const { documents }: DocumentsQuery = await client.request(DocumentsDocument, {
      in: pattern,
      where,
      first: pageSize,
      after,
    })
    for (const document of documents.nodes) output.record(document)
    count += documents.nodes.length
    after = documents.pageInfo.endCursor
    if (!documents.pageInfo.hasNextPage) break
  }
  output.remark(`${count} documents were written.`)
}

interface ImportOptions {
  readonly ifMissing?: boolean
  readonly collection?: string
}

/** Documents in one request, and about how many characters of them. */
const maxTogether = 200
const maxCharacters = 2_000_000

export function addDocImportCommand(parent: Command, session: Session): void {
  const command = parent
    .command('import [file]')
    .summary('documents of an export')
    .description(
      'Writes documents, given as one JSON line each with `collection`, `key` and `data`, as `doc export` writes ' +
        'them; from standard input without a file. Up to 200 lines are written together or not at all.',
    )
    .option('-c, --collection <path>', 'put all of them into this collection')
    .option('--if-missing', 'stop at a document that is there already')
    .addHelpText('after', () => examples(`${session.invocation} doc import releases.ndjson --if-missing`))
  session.api(command, importAll)
}

async function importAll({ client, output, json }: Api, options: ImportOptions, file?: string): Promise<void> {
  let done = 0
  for await (const { writes, line } of batchesIn(file, options)) {
    try {
      payloadOf((await client.request(WriteDocumentsDocument, { writes: [...writes] })).writeDocuments)
    } catch (cause) {
      output.remark(
        `The lines before line ${line} were written: ${done} documents. Line ${line} and those after it were not.`,
      )
      throw cause
    }
    done += writes.length
  }
  if (json) output.document({ documents: done })
  else output.line(`${done} documents were written.`)
}

interface Batch {
  readonly writes: readonly ReturnType<typeof toWrite>[]
  /** Where it begins, from 1. */
  readonly line: number
}

async function* batchesIn(file: string | undefined, options: ImportOptions): AsyncGenerator<Batch> {
  let writes: ReturnType<typeof toWrite>[] = []
  let [number, start, characters] = [0, 1, 0]
  for await (const line of linesOf(file)) {
    number += 1
    if (line.trim() === '') continue
    const write = toWrite(line, number, options)
    if (writes.length === maxTogether || (writes.length > 0 && characters + line.length > maxCharacters)) {
      yield { writes, line: start }
      ;[writes, start, characters] = [[], number, 0]
    }
    writes.push(write)
    characters += line.length
  }
  if (writes.length > 0) yield { writes, line: start }
}

function toWrite(text: string, line: number, { collection, ifMissing }: ImportOptions) {
  const given = parseJson(text, `Line ${line}`) as { collection?: unknown; key?: unknown; data?: unknown } | null
  const into = collection ?? given?.collection ?? 'default'
  if (typeof given?.key !== 'string' || typeof into !== 'string' || given.data === undefined)
    throw new CommandFailure(`Line ${line} is not a document: it needs "key" and "data".`)
  return { put: { collection: into, key: given.key, data: given.data, ...(ifMissing && { expectedVersion: 0 }) } }
}
