import type { Command } from 'commander'
import { jsonOption, type Session } from '#cli/session.ts'

export function addMigrateCommand(parent: Command, session: Session): void {
  parent
    .command('migrate')
    .summary('bring the database up to date, without serving')
    .description(
      'Applies pending migrations to the database at DATABASE_URL, or to the embedded database, which is started for this. ' +
        '`serve` does the same when it starts; several at once are no danger.',
    )
    .addOption(jsonOption())
    .action(async ({ json }: { json?: boolean }) => {
      const { output } = session
      const report = await session.server.migrate()
      if (json) return output.document(report)
      if (report.applied.length === 0) return output.line(`The database (${report.database}) is up to date.`)
      output.line(`Applied to the database (${report.database}):`)
      for (const name of report.applied) output.line(`  ${name}`)
    })
}
