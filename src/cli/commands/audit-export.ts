import type { Command } from 'commander'
import { CommandFailure, exitCodes } from '#cli/exit-codes.ts'
import { linesOf } from '#cli/lines.ts'
import { type Api, examples, jsonOption, type Session } from '#cli/session.ts'
import { AuditEntriesDocument, type ExportedEntry, faultOfExported } from '#client/index.ts'
import { isNestedBeyond } from '#lib/json-depth.ts'

const pageSize = 200

export function addAuditExportCommand(parent: Command, session: Session): void {
  const command = parent
    .command('export')
    .summary('the whole log, an entry a line')
    .description(
      'Writes all entries, oldest first, each as JSON on a line of its own, with the hashes that they can be checked by.',
    )
    .option('--after <cursor>', 'continue after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} audit export > audit.ndjson`))
  session.api(command, exportAll)
}

async function exportAll({ client, output }: Api, options: { after?: string }): Promise<void> {
  let after: string | null = options.after ?? null
  for (;;) {
    const variables = { orderBy: 'OLDEST_FIRST', first: pageSize, after } as const
    const { nodes, pageInfo } = (await client.request(AuditEntriesDocument, variables)).auditEntries
    for (const node of nodes) output.record(node)
    after = pageInfo.endCursor ?? after
    if (!pageInfo.hasNextPage) break
  }
  if (after !== null) output.remark(`To go on from here later: --after ${after}`)
}

export function addAuditVerifyExportCommand(parent: Command, session: Session): void {
  parent
    .command('verify-export <file>')
    .summary('whether an export is what was written')
    .description(
      'Checks a file that `audit export` has written, without any server: that each entry has its hash and follows the one ' +
        'before. The exit code is 1 when something is wrong. Nobody but the server can check the seal.',
    )
    .addOption(jsonOption())
    .action(async (file: string, { json }: { json?: boolean }) => {
      const found = await verifyFile(file)
      if (json) session.output.document(found)
      else {
        for (const fault of found.faults) session.output.line(fault)
        session.output.line(
          `${found.checked} entries were checked: ${found.faultCount === 0 ? 'intact' : `${found.faultCount} faults`}.`,
        )
        if (found.end !== undefined) session.output.line(`It ends with ${found.end.seq}:${found.end.hash}`)
      }
      session.exitCode = found.faultCount > 0 ? exitCodes.failed : exitCodes.ok
    })
}

const maxFaults = 100

async function verifyFile(file: string) {
  const faults: string[] = []
  let [checked, faultCount] = [0, 0]
  let before: ExportedEntry | undefined
  for await (const entry of entriesIn(file)) {
    checked += 1
    const fault = faultOfExported(entry, before)
    if (fault !== undefined) faultCount += 1
    if (fault !== undefined && faults.length < maxFaults) faults.push(fault)
    before = entry
  }
  return { checked, faultCount, faults, end: before && { seq: before.seq, hash: before.hash } }
}

async function* entriesIn(file: string): AsyncGenerator<ExportedEntry> {
  for await (const line of linesOf(file)) if (line.trim() !== '') yield parsed(line)
}

function parsed(line: string): ExportedEntry {
  try {
    const entry = JSON.parse(line) as Partial<ExportedEntry> | null
    if (!isNestedBeyond(entry) && typeof entry?.seq === 'number' && typeof entry.hash === 'string')
      return entry as ExportedEntry
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new CommandFailure(`This line is not an entry of an audit log: ${line.slice(0, 80)}`)
}
