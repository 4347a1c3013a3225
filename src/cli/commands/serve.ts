import type { Command } from 'commander'
import { examples, type Session } from '#cli/session.ts'

export function addServeCommand(parent: Command, session: Session): void {
  parent
    .command('serve')
    .summary('run the server')
    .description(
      'Runs the server until Ctrl-C or SIGTERM. Without DATABASE_URL it brings its own PostgreSQL. ' +
        'The first start prints the owner’s token.',
    )
    .option(
      '--config <file>',
      'commands, task types and roots (default: SIGNALBOX_CONFIG, else signalbox.config.ts here)',
    )
    .addHelpText('after', () =>
      examples(
        `${session.invocation} serve`,
        `PORT=4100 DATA_DIR=/var/lib/box ${session.invocation} serve --config box.ts`,
      ),
    )
    .action(async ({ config }: { config?: string }) => {
      session.exitCode = await session.server.serve({ configFile: config, invocation: session.invocation })
    })
}
