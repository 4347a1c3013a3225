import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addKvDeleteCommand, addKvIncrementCommand, addKvSetCommand } from './kv-changes.ts'
import { addKvEditCommand } from './kv-edit.ts'
import { addKvGetCommand, addKvHistoryCommand, addKvListCommand } from './kv-reads.ts'
import { addKvWatchCommand } from './kv-watch.ts'

/** Everything about entries. */
export function addKvCommand(parent: Command, session: Session): void {
  const kv = parent
    .command('kv')
    .summary('read and write key-value entries')
    .description('Keeps JSON values under keys, each with a version, so that nobody overwrites another by accident.')
  for (const add of [
    addKvGetCommand,
    addKvSetCommand,
    addKvDeleteCommand,
    addKvIncrementCommand,
    addKvEditCommand,
    addKvListCommand,
    addKvHistoryCommand,
    addKvWatchCommand,
  ])
    add(kv, session)
}
