import { errorMessage, StartupError } from '#lib/errors.ts'
import { takeEnvironment } from '#platform/system/own-environment.ts'
import { createLog, type Logger } from '#platform/telemetry/log.ts'
import { sourceStack } from '#platform/telemetry/source-stack.ts'
import { startWatchdog } from '#platform/watchdog/watchdog.ts'
import type { App } from './app.ts'
import { banner, type OwnerToken } from './banner.ts'
import { type Config, readConfig, secretVariables } from './config.ts'
import { openInstallation } from './installation.ts'
import { readOwnerToken, writeOwnerToken } from './owner-token-file.ts'
import { listenForShutdown, type ShutdownReason } from './shutdown.ts'

export interface ServeOptions {
  readonly configFile: string | undefined
  /** How the user calls this program, for the command that the banner proposes. */
  readonly invocation: string
}

/** What a server process ends with when nobody cut it short. */
const exitCodes = { asked: 0, refused: 1, bug: 70 } as const

/** What an orderly stop after a failure may take beyond the time of the tasks, in milliseconds. */
const failedStopMs = 10_000

/** Runs a server until a signal or a failure ends it; resolves with the process's exit code, when everything is stopped. */
export async function serve({ configFile, invocation }: ServeOptions): Promise<number> {
  let log: Logger | undefined
  using shutdown = listenForShutdown((error) =>
    log?.error({ err: error }, 'something failed while the server was shutting down'),
  )
  try {
    const workingDirectory = process.cwd()
    const { env, isErased } = takeEnvironment(secretVariables)
    const config = readConfig(env, { workingDirectory, isTerminal: process.stdout.isTTY, configFile })
    log = createLog({ level: config.logLevel, format: config.logFormat, isColored: isColored(process.stdout) })
    if (!isErased) log.warn('what this server was started with stays visible to other processes of its user')
    const installation = openInstallation(config, { log, onFatal: shutdown.fail })
    // Most of the program is loaded while the database starts; the code that uses the installation reports its failure.
    installation.catch(() => {})
    const { startApp } = await import('./app.ts')
    const app = await startApp(config, installation, log)
    watch(config, log)
    await show(app, config, invocation)
    return await end(await shutdown.first, app, config, log)
  } catch (error) {
    return report(error, log)
  }
}

/** Not before everything is loaded, which may take a slow machine long. */
function watch({ watchdogTimeoutMs: timeoutMs, logFormat, logLevel }: Config, log: Logger): void {
  startWatchdog({
    timeoutMs,
    logFormat: logLevel === 'silent' ? undefined : logFormat,
    onError: (error) => log.error({ err: error }, 'the watchdog has failed: the event loop is not watched any more'),
  })
}

/** Standard output belongs to the log where that is JSON. */
async function show(app: App, config: Config, invocation: string): Promise<void> {
  const stream = config.logFormat === 'json' ? process.stderr : process.stdout
  const ownerToken = await whereabouts(app, config, stream.isTTY)
  stream.write(banner(app, config, { invocation, ownerToken, isColored: isColored(stream) }))
}

/**
 * Where the owner's token is. A terminal shows a new one; elsewhere it goes to a file, since what a server prints may be
 * collected. Later starts name that file for as long as its token is valid.
 */
async function whereabouts(app: App, { dataDir }: Config, isShown: boolean): Promise<OwnerToken | undefined> {
  const { ownerToken: token } = app
  if (token !== undefined) return isShown ? { text: token } : { file: await writeOwnerToken(dataDir, token) }
  const known = await readOwnerToken(dataDir)
  return known && (await app.isValidToken(known.token)) ? { file: known.file } : undefined
}

/** See no-color.org. */
function isColored(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && !process.env['NO_COLOR']
}

async function end(reason: ShutdownReason, app: App, config: Config, log: Logger): Promise<number> {
  if (reason.kind === 'asked') {
    log.info({ signal: reason.signal }, 'stopping; a second signal ends at once')
    await app.stop()
    log.info('stopped')
    return exitCodes.asked
  }
  const exitCode = report(reason.error, log)
  await Promise.race([app.stop(), later(config.shutdownTimeoutMs + failedStopMs)])
  return exitCode
}

/** Says why the server ends, and what its exit code is: a sentence for the operator, or a bug with its stack. */
function report(error: unknown, log: Logger | undefined): number {
  if (error instanceof StartupError) {
    process.stderr.write(`${error.message}\n`)
    return exitCodes.refused
  }
  if (log === undefined)
    process.stderr.write(
      `${error instanceof Error ? sourceStack(error.stack ?? error.message) : errorMessage(error)}\n`,
    )
  else log.fatal({ err: error }, 'the server ends: something failed that nobody expected')
  return exitCodes.bug
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
