import { type Command, Option } from 'commander'
import { createClient, type SignalboxClient, type Token } from '#client/index.ts'
import packageJson from '#package.json' with { type: 'json' }
import type { Environment } from './environment.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Output } from './output.ts'
import { SavedSession } from './saved-session.ts'
import type { ServerCommands } from './server-commands.ts'

/** What a command that speaks to a server works with. */
export interface Api {
  readonly client: SignalboxClient
  readonly output: Output
  /** Whether the answer is to be JSON. */
  readonly json: boolean
  /** How the user calls this program, for hints that can be pasted. */
  readonly invocation: string
  readonly env: Environment
}

interface ApiOptions {
  readonly json?: boolean
  readonly url?: string
  readonly token?: string
}

/** An action's exit code; 0 when it has nothing to say about it. */
type ActionResult = Promise<number | undefined> | Promise<void>

const defaultUrl = 'http://127.0.0.1:4000'

/** One run of the command line: where its settings come from, where its words go, and what it ends with. */
export class Session {
  readonly server: ServerCommands
  readonly invocation: string
  readonly output: Output
  exitCode: number = exitCodes.ok
  readonly #env: Environment

  constructor(options: { server: ServerCommands; invocation: string; env: Environment; output: Output }) {
    this.server = options.server
    this.invocation = options.invocation
    this.output = options.output
    this.#env = options.env
  }

  /** Gives a command the options of all commands that speak to a server, and its action. */
  api<Options extends object, Args extends readonly unknown[]>(
    command: Command,
    action: (api: Api, options: Options, ...args: Args) => ActionResult,
  ): Command {
    command.option('--token <token>', 'an application token (default: SIGNALBOX_TOKEN, else the session of login)')
    return this.#speaking(command, (url, { token }) => this.#token(url, token), action)
  }

  /** As {@link api}, for a command that is about being signed in; it has no token by itself. */
  anonymous<Options extends object, Args extends readonly unknown[]>(
    command: Command,
    action: (api: Api, options: Options, ...args: Args) => ActionResult,
  ): Command {
    return this.#speaking(command, async () => undefined, action)
  }

  /** What `login` has kept of a server. */
  saved(url: string): SavedSession {
    return new SavedSession(url, this.#env)
  }

  #speaking<Options extends object, Args extends readonly unknown[]>(
    command: Command,
    tokenFor: (url: string, options: ApiOptions) => Promise<Token | undefined>,
    action: (api: Api, options: Options, ...args: Args) => ActionResult,
  ): Command {
    return command
      .addOption(jsonOption())
      .option('--url <address>', `the server (default: SIGNALBOX_URL, else ${defaultUrl})`)
      .action(async (...all: unknown[]) => {
        const options = all.at(-2) as Options & ApiOptions
        const { output, invocation } = this
        const url = options.url ?? this.#setting('SIGNALBOX_URL') ?? defaultUrl
        const client = createConnected(url, await tokenFor(url, options))
        const api = { client, output, json: options.json ?? false, invocation, env: this.#env }
        try {
          this.exitCode = (await action(api, options, ...(all.slice(0, -2) as unknown as Args))) ?? exitCodes.ok
        } finally {
          await client.close()
        }
      })
  }

  async #token(url: string, given: string | undefined): Promise<Token> {
    const token = given?.trim() || this.#setting('SIGNALBOX_TOKEN')
    if (token !== undefined) return token
    const saved = this.saved(url)
    if ((await saved.read()) !== undefined) return () => saved.token()
    throw new CommandFailure(
      `You are not signed in at ${url}: sign in with \`${this.invocation} login\`, or set SIGNALBOX_TOKEN to an\n` +
        'application token. The owner’s is printed by the first start of the server, which is also when\n' +
        'BOOTSTRAP_TOKEN sets it.',
      exitCodes.denied,
    )
  }

  #setting(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined
  }
}

export function jsonOption(): Option {
  return new Option('--json', 'answer in JSON: one document, or one a line where it is a stream')
}

function createConnected(url: string, token: Token | undefined): SignalboxClient {
  try {
    return createClient({ url, token, fetch: fetchAsProgram })
  } catch (cause) {
    if (cause instanceof TypeError) throw new CommandFailure(cause.message, exitCodes.invalid, { cause })
    throw cause
  }
}

/** Says which program asks: people see it beside their sessions and tokens. */
const fetchAsProgram: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers)
  headers.set('user-agent', `signalbox/${packageJson.version} (${process.platform})`)
  return fetch(input, { ...init, headers })
}

/** Commands of a user's shell, for the end of a help text. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`
}
