import type { Command } from 'commander'
import packageJson from '#package.json' with { type: 'json' }
import { addHelpCommand, topicHelp } from './commands/help.ts'
import { exitCodeHelp } from './exit-codes.ts'
import { examples, type Session } from './session.ts'
import { SuggestingCommand } from './suggesting-command.ts'

const environmentHelp = `
Environment:
  SIGNALBOX_URL    the server (default: http://127.0.0.1:4000)
  SIGNALBOX_TOKEN  an application token; a server's first start prints the owner's.
                   Without one: the session of login
  XDG_CONFIG_HOME  where that is kept (default: ~/.config)
  NO_COLOR         no colours
  The server reads others: see the topic environment.
`

const versionOptions = ['-V', '--version']

/** The commands in the order of the help. Each is loaded when it is called: loading all takes longer than most commands. */
const commands: Readonly<Record<string, () => Promise<(program: Command, session: Session) => void>>> = {
  serve: async () => (await import('#cli/commands/serve.ts')).addServeCommand,
  migrate: async () => (await import('#cli/commands/migrate.ts')).addMigrateCommand,
  doctor: async () => (await import('#cli/commands/doctor.ts')).addDoctorCommand,
  secrets: async () => (await import('#cli/commands/secrets.ts')).addSecretsCommand,
  account: async () => (await import('#cli/commands/account.ts')).addAccountCommand,
  login: async () => (await import('#cli/commands/login.ts')).addLoginCommand,
  logout: async () => (await import('#cli/commands/login.ts')).addLogoutCommand,
  task: async () => (await import('#cli/commands/task.ts')).addTaskCommand,
  schedule: async () => (await import('#cli/commands/schedule.ts')).addScheduleCommand,
  worker: async () => (await import('#cli/commands/worker.ts')).addWorkerCommand,
  kv: async () => (await import('#cli/commands/kv.ts')).addKvCommand,
  lock: async () => (await import('#cli/commands/lock.ts')).addLockCommand,
  events: async () => (await import('#cli/commands/events.ts')).addEventsCommand,
  doc: async () => (await import('#cli/commands/doc.ts')).addDocCommand,
  webhook: async () => (await import('#cli/commands/webhook.ts')).addWebhookCommand,
  environment: async () => (await import('#cli/commands/environment.ts')).addEnvironmentCommand,
  org: async () => (await import('#cli/commands/org.ts')).addOrgCommand,
  secret: async () => (await import('#cli/commands/secret.ts')).addSecretCommand,
  token: async () => (await import('#cli/commands/token.ts')).addTokenCommand,
  user: async () => (await import('#cli/commands/user.ts')).addUserCommand,
  session: async () => (await import('#cli/commands/session.ts')).addSessionCommand,
  team: async () => (await import('#cli/commands/team.ts')).addTeamCommand,
  audit: async () => (await import('#cli/commands/audit.ts')).addAuditCommand,
  viewer: async () => (await import('#cli/commands/viewer.ts')).addViewerCommand,
}

/**
 * The command line as a tree of commands, with the one that `args` call, or all of them when they call none, such as for
 * the help; `say` gets what is wrong with how it is used.
 */
export async function createProgram(
  args: readonly string[],
  session: Session,
  say: (text: string) => void,
): Promise<Command> {
  const program = new SuggestingCommand('signalbox')
    .description('Submits tasks and watches them, keeps documents, and runs the server.')
    .version(packageJson.version, versionOptions.join(', '), 'display the version')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeErr: (text) => say(text.replace(/^error: /, '')) })
    .showHelpAfterError('Add --help to see what there is.')
    .addHelpText(
      'after',
      () => topicHelp(session.invocation) + environmentHelp + exitCodeHelp + firstSteps(session.invocation),
    )
  const [called = ''] = args
  const needed = versionOptions.includes(called)
    ? []
    : Object.hasOwn(commands, called)
      ? [called]
      : Object.keys(commands)
  const loaded = await Promise.all(needed.map((name) => commands[name]?.()))
  for (const add of loaded) add?.(program, session)
  addHelpCommand(program, session)
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
