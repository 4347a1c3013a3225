import { Command } from 'commander'
import { addAuditCommand } from '#cli/commands/audit.ts'
import { addDocCommand } from '#cli/commands/doc.ts'
import { addDoctorCommand } from '#cli/commands/doctor.ts'
import { addEventsCommand } from '#cli/commands/events.ts'
import { addKvCommand } from '#cli/commands/kv.ts'
import { addLockCommand } from '#cli/commands/lock.ts'
import { addLoginCommand, addLogoutCommand } from '#cli/commands/login.ts'
import { addMigrateCommand } from '#cli/commands/migrate.ts'
import { addSecretsCommand } from '#cli/commands/secrets.ts'
import { addServeCommand } from '#cli/commands/serve.ts'
import { addSessionCommand } from '#cli/commands/session.ts'
import { addTaskCommand } from '#cli/commands/task.ts'
import { addTeamCommand } from '#cli/commands/team.ts'
import { addTokenCommand } from '#cli/commands/token.ts'
import { addUserCommand } from '#cli/commands/user.ts'
import { addViewerCommand } from '#cli/commands/viewer.ts'
import { addWebhookCommand } from '#cli/commands/webhook.ts'
import packageJson from '#package.json' with { type: 'json' }
import { exitCodeHelp } from './exit-codes.ts'
import { examples, type Session } from './session.ts'

const environmentHelp = `
Environment:
  SIGNALBOX_URL    the server (default: http://127.0.0.1:4000)
  SIGNALBOX_TOKEN  an application token; a server's first start prints the owner's.
                   Without one: the session of login
  XDG_CONFIG_HOME  where that is kept (default: ~/.config)
  NO_COLOR         no colours
  What \`serve\` reads stands in the README.
`

/** The whole command line as a tree of commands; `say` gets what is wrong with how it is used. */
export function createProgram(session: Session, say: (text: string) => void): Command {
  const program = new Command('signalbox')
    .description('Hands in tasks and watches them, keeps documents, and runs the server that does them.')
    .version(packageJson.version, '-V, --version', 'display the version')
    .exitOverride()
    .configureOutput({ writeErr: (text) => say(text.replace(/^error: /, '')) })
    .showHelpAfterError('Add --help to see what there is.')
    .addHelpText('after', () => environmentHelp + exitCodeHelp + firstSteps(session.invocation))
  addServeCommand(program, session)
  addMigrateCommand(program, session)
  addDoctorCommand(program, session)
  addSecretsCommand(program, session)
  addLoginCommand(program, session)
  addLogoutCommand(program, session)
  addTaskCommand(program, session)
  addKvCommand(program, session)
  addLockCommand(program, session)
  addEventsCommand(program, session)
  addDocCommand(program, session)
  addWebhookCommand(program, session)
  addTokenCommand(program, session)
  addUserCommand(program, session)
  addSessionCommand(program, session)
  addTeamCommand(program, session)
  addAuditCommand(program, session)
  addViewerCommand(program, session)
  return program
}

function firstSteps(invocation: string): string {
  return examples(
    `${invocation} serve`,
    `${invocation} task types`,
    `${invocation} task submit probe --set durationMs=5000 --set steps=10 --watch`,
    `${invocation} task list --status ACTIVE,PENDING`,
    `${invocation} events --follow --types 'task.*'`,
  )
}
