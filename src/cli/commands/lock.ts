import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addLockAcquireCommand } from './lock-acquire.ts'
import { addLockForceReleaseCommand, addLockReleaseCommand } from './lock-changes.ts'
import { addLockListCommand, addLockShowCommand } from './lock-reads.ts'

/** Everything about locks. */
export function addLockCommand(parent: Command, session: Session): void {
  const lock = parent
    .command('lock')
    .summary('acquire and release distributed locks')
    .description('Distributed locks: one holder at a time, wherever it runs.')
  for (const add of [
    addLockAcquireCommand,
    addLockListCommand,
    addLockShowCommand,
    addLockReleaseCommand,
    addLockForceReleaseCommand,
  ])
    add(lock, session)
}
