import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addDocDeleteCommand, addDocPatchCommand, addDocPutCommand, addDocRestoreCommand } from './doc-changes.ts'
import { addDocEditCommand } from './doc-edit.ts'
import { addDocDiffCommand, addDocHistoryCommand } from './doc-history.ts'
import { addDocCollectionsCommand, addDocGetCommand, addDocListCommand } from './doc-reads.ts'
import { addDocRepairCommand } from './doc-repair.ts'
import { addDocExportCommand, addDocImportCommand } from './doc-transfer.ts'
import { addDocWatchCommand } from './doc-watch.ts'

/** Everything about documents. */
export function addDocCommand(parent: Command, session: Session): void {
  const doc = parent
    .command('doc')
    .summary('read, write and watch documents')
    .description(
      'Reads, writes and watches documents: JSON values under keys, in collections, with all their versions.',
    )
  for (const add of [
    addDocListCommand,
    addDocGetCommand,
    addDocPutCommand,
    addDocPatchCommand,
    addDocEditCommand,
    addDocDeleteCommand,
    addDocHistoryCommand,
    addDocDiffCommand,
    addDocRestoreCommand,
    addDocWatchCommand,
    addDocCollectionsCommand,
    addDocExportCommand,
    addDocImportCommand,
    addDocRepairCommand,
  ])
    add(doc, session)
}
