import type { Command } from 'commander'
import { exitCodes } from '#cli/exit-codes.ts'
import { jsonOption, type Session } from '#cli/session.ts'

/** What the operator of an installation does about its secret key. */
export function addSecretsCommand(parent: Command, session: Session): void {
  const secrets = parent
    .command('secrets')
    .summary('change the key that stored secrets are encrypted with')
    .description('Changes the key that stored secrets are encrypted with.')
  secrets
    .command('rotate')
    .summary('re-encrypt everything that an older key has encrypted')
    .description(
      'Encrypts everything with SECRET_KEY that a key of SECRET_KEY_PREVIOUS has encrypted, at DATABASE_URL or in the ' +
        'embedded database. Servers may run meanwhile, once all of them know both keys; cut short, it goes on when it ' +
        'is run again. Exit code 1 when something is left under a key that is not here.',
    )
    .addOption(jsonOption())
    .action(async ({ json }: { json?: boolean }) => {
      const { output } = session
      const report = await session.server.rotateSecrets()
      session.exitCode = report.remaining > 0 ? exitCodes.failed : exitCodes.ok
      if (json) return output.document(report)
      output.table(report.places, [
        { title: 'WHAT', text: ({ name }) => name },
        { title: 'RE-ENCRYPTED', text: ({ renewed }) => String(renewed) },
        { title: 'LEFT', text: ({ remaining }) => String(remaining) },
      ])
      output.line()
      output.line(
        report.remaining === 0
          ? 'Nothing is encrypted with an older key any more: remove SECRET_KEY_PREVIOUS.'
          : 'Some is left that no key here opens, or that is not genuine (see `audit verify`): add its key to\n' +
              'SECRET_KEY_PREVIOUS, and run this again.',
      )
    })
}
