import type { Command } from 'commander'
import type { Session } from '#cli/session.ts'
import { addAuditExportCommand, addAuditVerifyExportCommand } from './audit-export.ts'
import { addAuditListCommand } from './audit-list.ts'
import { addAuditVerifyCommand } from './audit-verify.ts'

/** Everything about the audit log. */
export function addAuditCommand(parent: Command, session: Session): void {
  const audit = parent
    .command('audit')
    .summary('read and verify the audit log')
    .description(
      'Reads and verifies the audit log: who did what, from where and with which scopes, and which attempts were refused.',
    )
  for (const add of [addAuditListCommand, addAuditVerifyCommand, addAuditExportCommand, addAuditVerifyExportCommand])
    add(audit, session)
}
