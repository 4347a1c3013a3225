import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addOrgAddCommand } from './org-add.ts'
import { addOrgOpenCommand, addOrgRemoveCommand, addOrgTestCommand, addOrgUpdateCommand } from './org-changes.ts'
import { addOrgListCommand, addOrgShowCommand } from './org-reads.ts'

/** Everything about Salesforce orgs. */
export function addOrgCommand(parent: Command, session: Session): void {
  const org = parent
    .command('org')
    .summary('register and open Salesforce orgs')
    .description('Registers, tests and opens Salesforce orgs.')
  for (const add of [
    addOrgListCommand,
    addOrgAddCommand,
    addOrgShowCommand,
    addOrgUpdateCommand,
    addOrgTestCommand,
    addOrgOpenCommand,
    addOrgRemoveCommand,
  ])
    add(org, session)
}
