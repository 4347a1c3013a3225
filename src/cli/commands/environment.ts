import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addEnvironmentCreateCommand, addEnvironmentDeleteCommand } from './environment-changes.ts'
import {
  addEnvironmentAcquireCommand,
  addEnvironmentExtendCommand,
  addEnvironmentReleaseCommand,
} from './environment-leases.ts'
import { addEnvironmentListCommand, addEnvironmentShowCommand } from './environment-reads.ts'
import { addEnvironmentWatchCommand } from './environment-watch.ts'

/** Everything about environments. */
export function addEnvironmentCommand(parent: Command, session: Session): void {
  const environment = parent
    .command('environment')
    .summary('share environments, such as test orgs')
    .description(
      'Creates, acquires and watches environments: things that one caller at a time uses, such as test orgs.',
    )
  for (const add of [
    addEnvironmentListCommand,
    addEnvironmentShowCommand,
    addEnvironmentCreateCommand,
    addEnvironmentAcquireCommand,
    addEnvironmentExtendCommand,
    addEnvironmentReleaseCommand,
    addEnvironmentWatchCommand,
    addEnvironmentDeleteCommand,
  ])
    add(environment, session)
}
