import type { Command } from 'commander'
import { placeOf } from '#cli/document-text.ts'
import type { RepairReport } from '#cli/server-commands.ts'
import { examples, jsonOption, type Session } from '#cli/session.ts'

interface Options {
  readonly json?: boolean
  readonly dryRun?: boolean
  readonly keepCurrent?: boolean
}

/** Unlike the other `doc` commands it works on the installation's own database, as `doctor` does. */
export function addDocRepairCommand(parent: Command, session: Session): void {
  parent
    .command('repair')
    .summary('repair documents that are behind their newest version')
    .description(
      'Finds documents of this installation that are behind their newest version, which `doctor` reports, and repairs ' +
        'them, so that they can be written again: the newest version becomes the document, unless the document was ' +
        'written after it. Then, or with --keep-current, the data that readers see now stays, as a version after the ' +
        'newest one. No version is changed or removed, and every repair is in the audit log. Works on the database at ' +
        'DATABASE_URL or on the embedded one; servers may run meanwhile.',
    )
    .option('--dry-run', 'list what would be repaired, and change nothing')
    .option('--keep-current', 'keep the data that readers see now')
    .addOption(jsonOption())
    .addHelpText('after', () => examples(`${session.invocation} doc repair --dry-run`))
    .action(async ({ json = false, dryRun = false, keepCurrent = false }: Options) => {
      const report = await session.server.repairDocuments({ dryRun, keepCurrent })
      if (json) session.output.document(report)
      else tell(session, report, dryRun)
    })
}

function tell({ output }: Session, { examined, documents }: RepairReport, isDryRun: boolean): void {
  if (documents.length > 0) {
    output.table(documents, [
      { title: 'ACCOUNT', text: ({ accountId }) => accountId },
      { title: 'DOCUMENT', text: (one) => placeOf(one), flexible: true },
      { title: 'VERSION', text: ({ version }) => String(version) },
      { title: 'NEWEST', text: ({ newestVersion }) => String(newestVersion) },
      { title: 'NOW', text: ({ repairedVersion }) => String(repairedVersion ?? '') },
    ])
    output.line()
  }
  const what = isDryRun ? 'would be repaired' : documents.length === 1 ? 'was repaired' : 'were repaired'
  output.line(`${documents.length} of ${examined} documents ${what}.`)
  if (documents.length > 0 && !isDryRun)
    output.line('Compare the versions with `doc diff`, and bring another one back with `doc restore`.')
}
