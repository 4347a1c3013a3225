import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { readLines } from '#domain/tasks/runner/line-splitter.ts'
import { cutText } from '#domain/tasks/runner/text.ts'
import { inheritedNames, resolveEnvironment } from '#domain/tasks/task-environment.ts'
import {
  defineTaskType,
  outputLimits,
  PermanentFailure,
  type TaskContext,
  TaskFailure,
  type TaskType,
} from '#domain/tasks/task-type.ts'
import { type CommandInput, commandArgsSchema, commandDescription, commandInputSchema } from './command-input.ts'
import { type CommandConfig, commandLine } from './command-line.ts'
import { CommandOutput } from './command-output.ts'
import { readCommandResult } from './command-result.ts'

/** How long the output of an ended program may stay open, held by something that it left running. */
const drainMs = 1_000

/**
 * Runs one of the configured programs; its exit code decides. Running it twice runs the program twice: whether that is
 * harmless only its configuration knows, which therefore must ask for retries.
 */
export function createCommandType(commands: Readonly<Record<string, CommandConfig>>): TaskType {
  return defineTaskType({
    name: 'command',
    description: 'Runs one of the programs that signalbox.config.ts names under `commands`.',
    input: commandInputSchema(commands),
    env: Object.values(commands).flatMap(({ env }) => inheritedNames(env)),
    secrets: ({ command }) => commands[command]?.secrets ?? [],
    selfApproval: ({ command }) => commands[command]?.selfApproval ?? true,
    defaults: ({ command }) => presentDefaults(commands[command]),
    run: (context) => {
      const { command, args } = context.input
      const config = commands[command]
      if (!config) throw new PermanentFailure(`There is no command "${command}" any more.`, 'UNKNOWN_COMMAND')
      return runCommand(config, args, context)
    },
  })
}

/** Names of commands that can be part of a task type's name. */
const typedName = /^[a-z0-9._-]{1,56}$/

/**
 * Each command as a task type of its own, `command.deploy` with the command's arguments as its input, so that scopes and
 * filters can name it. Commands whose names have other characters than a type's are left to the type `command`.
 */
export function createNamedCommandTypes(commands: Readonly<Record<string, CommandConfig>>): TaskType[] {
  return Object.entries(commands)
    .filter(([name]) => typedName.test(name))
    .map(([command, config]) =>
      defineTaskType({
        name: `command.${command}`,
        description: commandDescription(config),
        input: commandArgsSchema(config),
        env: inheritedNames(config.env),
        secrets: config.secrets ?? [],
        selfApproval: config.selfApproval ?? true,
        defaults: () => presentDefaults(config),
        run: (context) => runCommand(config, context.input, context),
      }),
    )
}

function presentDefaults(config: CommandConfig | undefined) {
  const { priority, timeoutMs, graceMs, retry } = config ?? {}
  const given = Object.entries(retry ?? {}).filter(([, value]) => value !== undefined)
  return { priority, timeoutMs, graceMs, retry: retry && Object.fromEntries(given) }
}

async function runCommand(config: CommandConfig, given: CommandInput['args'], context: TaskContext): Promise<unknown> {
  const { approval, approvalTimeoutMs: timeoutMs } = config
  if (approval !== undefined) await context.waitFor({ approval }, timeoutMs === undefined ? {} : { timeoutMs })
  const resultFile = join(context.workspace, '.signalbox-result.json')
  const cwd = config.cwd ?? context.workspace
  await mustBeDirectory(cwd)
  const [program = '', ...args] = commandLine(config, given)
  const marker = randomUUID().replaceAll('-', '')
  const output = new CommandOutput(context, { directives: config.directives ?? 'any', marker })
  const child = spawn(program, args, {
    cwd,
    env: { ...environment(config, context, resultFile), SIGNALBOX_MARKER: marker },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = await finished(child, program, output)
  if (exit.code !== 0) throw new TaskFailure(exitText(exit, output.lastErrors), 'EXITED')
  await output.partsKept()
  return readCommandResult(resultFile)
}

async function mustBeDirectory(cwd: string): Promise<void> {
  const found = await stat(cwd).catch(() => undefined)
  if (!found?.isDirectory()) throw new PermanentFailure(`Its cwd ${cwd} is not a directory.`, 'CWD_MISSING')
}

function environment(config: CommandConfig, context: TaskContext, resultFile: string): Record<string, string> {
  return {
    LANG: 'C.UTF-8',
    HOME: context.workspace,
    TMPDIR: context.workspace,
    PATH: process.env['PATH'] ?? '',
    ...resolveEnvironment(config.env, context.env),
    ...context.secrets,
    SIGNALBOX_RESULT: resultFile,
    SIGNALBOX_WORKSPACE: context.workspace,
    SIGNALBOX_TASK_ID: context.task.id,
    SIGNALBOX_ATTEMPT: String(context.attempt),
  }
}

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A stop reaches the program by itself: the runner signals the whole process group, and a second SIGTERM means "at once" to many. */
async function finished(child: ChildProcess, program: string, output: CommandOutput): Promise<Exit> {
  const maxBytes = outputLimits.logLineLength * 4
  const read = Promise.all([
    readLines(child.stdout, { line: output.stdout }, { maxBytes }),
    readLines(child.stderr, { line: output.stderr }, { maxBytes }),
  ])
  const [code, signal] = await once(child, 'exit').catch((error: NodeJS.ErrnoException) => {
    throw startFailure(program, error)
  })
  await Promise.race([read, delay(drainMs, undefined, { ref: false })])
  return { code, signal }
}

function startFailure(program: string, error: NodeJS.ErrnoException): PermanentFailure {
  const reasons: Record<string, [string, string]> = {
    ENOENT: ['COMMAND_NOT_FOUND', `The program "${program}" is not installed on the worker's machine.`],
    EACCES: ['COMMAND_NOT_EXECUTABLE', `The program "${program}" may not be executed.`],
  }
  const [code, message] = reasons[error.code ?? ''] ?? [
    'COMMAND_NOT_STARTED',
    `"${program}" did not start: ${error.message}`,
  ]
  return new PermanentFailure(message, code, { cause: error })
}

const maxErrorTextLength = 4_000

function exitText({ code, signal }: Exit, lastErrors: readonly string[]): string {
  const how = signal ? `It was killed by ${signal}.` : `It exited with code ${code}.`
  return lastErrors.length === 0 ? how : `${how}\n${cutText(lastErrors.join('\n'), maxErrorTextLength)}`
}
