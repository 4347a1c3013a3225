import { lchownSync, readdirSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'
import type { ReportedEnd } from '#domain/tasks/task.ts'
import type { TaskType, TaskTypes } from '#domain/tasks/task-type.ts'
import { execute } from './execute.ts'
import { failed, taskError } from './failure.ts'
import { HostOutput } from './host-output.ts'
import { killTagged } from './process-tree.ts'
import type { HostMessage, ServerMessage, StartMessage } from './protocol.ts'
import { secretVariables } from './secret-files.ts'
import { type AttemptUser, becomeUser, killOwnUser } from './task-user.ts'

/** What our own settings and the shell on the way here have put into the environment. */
const addedVariables = ['NODE_COMPILE_CACHE', 'PWD', 'OLDPWD', 'SHLVL', '_']

/** Loads the task types with what the server sends for this: the settings of its `TaskHost`. */
type LoadTypes = (settings: unknown) => Promise<TaskTypes>

/**
 * Runs the one attempt that the server sends, reports how it ended, and waits to be ended itself. `preload` loads what
 * every attempt needs while this process may still be waiting for its own.
 */
export async function hostAttempt(loadTypes: LoadTypes, preload: () => Promise<void> = async () => {}): Promise<void> {
  for (const name of addedVariables) delete process.env[name]
  const send = takeChannel()
  const output = new HostOutput(send)
  const stopping = abortOnTerm()
  const end = endOnce(send, output)
  endWithServer()
  endOnStrayErrors(end)
  process.once('exit', () => output.flush())
  const first = firstMessage(output)
  // What can't be loaded now fails again where it is needed.
  await preload().catch(() => undefined)
  const start = await first
  // This process may have been started before it was known for which attempt.
  const { workspace } = start
  const variables = secretVariables(start.secrets, () => workspace)
  Object.assign(process.env, start.env, variables, { HOME: workspace, TMPDIR: workspace })
  setInterval(() => send({ kind: 'alive' }), start.heartbeatMs).unref()
  await end(await runAttempt(start, loadTypes, output, stopping))
}

async function runAttempt(
  start: StartMessage,
  loadTypes: LoadTypes,
  output: HostOutput,
  signal: AbortSignal,
): Promise<ReportedEnd> {
  const type = await findType(start, loadTypes).catch((error: unknown) => taskError(error))
  if (type && 'retryable' in type)
    return failed('CONFIGURATION_FAILED', `The configuration could not be loaded: ${type.message}`, true)
  if (!type) return failed('UNKNOWN_TASK_TYPE', `There is no task type "${start.attempt.type}" any more.`, false)
  const { attempt, workspace, env, secrets, user } = start
  // What `prepare` makes has to be readable for the user that `run` is executed as.
  if (user !== undefined) process.umask(0o022)
  process.chdir(workspace)
  return execute(type, {
    attempt,
    output,
    signal,
    workspace: () => workspace,
    env,
    secrets,
    request: (request) => output.ask(request),
    submit: (task) => output.submit(task),
    remember: (request) => output.remember(request),
    ...(user !== undefined && { giveUpRights: () => giveUpRights(user, workspace) }),
  })
}

/** From here on, nothing of the attempt has the rights of the server. */
function giveUpRights(user: AttemptUser, workspace: string): void {
  for (const name of readdirSync(workspace)) lchownSync(join(workspace, name), user.uid, user.gid)
  // Where the cache is only the server's user may write: others could change the code of later attempts.
  module.flushCompileCache()
  becomeUser(user)
  // An earlier attempt whose first process had the same id, and whose end nobody saw to, was the same user.
  killOwnUser()
}

async function findType({ attempt, settings }: StartMessage, loadTypes: LoadTypes): Promise<TaskType | undefined> {
  return (await loadTypes(settings)).get(attempt.type)
}

/** The channel to the server; out of the reach of handlers, whose messages the server would take for ours. */
function takeChannel(): (message: HostMessage) => void {
  const send = process.send?.bind(process)
  if (!send) throw new Error('This program is started by the server, for one attempt of a task.')
  delete process.send
  return (message) => {
    // Nobody to tell any more once the channel is closed: `endWithServer` ends this process.
    if (process.connected) send(message, undefined, undefined, () => undefined)
  }
}

function firstMessage(output: HostOutput): Promise<StartMessage> {
  return new Promise((resolve) => {
    process.on('message', (message: ServerMessage) => {
      if (message.kind === 'start') resolve(message)
      else output.acknowledge(message)
    })
  })
}

function abortOnTerm(): AbortSignal {
  const controller = new AbortController()
  process.on('SIGTERM', () => controller.abort(new Error('The attempt was asked to stop.')))
  return controller.signal
}

type End = (outcome: ReportedEnd) => Promise<void>

function endOnce(send: (message: HostMessage) => void, output: HostOutput): End {
  let hasEnded = false
  return async (outcome) => {
    if (hasEnded) return
    hasEnded = true
    await Promise.all([written(process.stdout), written(process.stderr)])
    output.flush()
    send({ kind: 'ended', outcome })
    // The server kills this process as soon as it hears; without a normal exit, the cache is only written when asked.
    module.flushCompileCache()
  }
}

/** Node keeps in memory what a pipe doesn't take at once; the end must not overtake it. */
function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve())
  })
}

function endOnStrayErrors(end: End): void {
  process.on('uncaughtException', (error) => void end({ kind: 'failed', error: taskError(error) }))
  process.on('unhandledRejection', (error) => void end({ kind: 'failed', error: taskError(error) }))
}

/** A server that was killed can end nothing: its hosts end themselves, and all that they started. */
function endWithServer(): void {
  const endAll = async () => {
    killOwnUser()
    const own = Number(process.argv[2])
    await killTagged((tag) => tag === own)
    process.kill(-process.pid, 'SIGKILL')
  }
  process.once('disconnect', () => void endAll())
  if (!process.connected) void endAll()
}
