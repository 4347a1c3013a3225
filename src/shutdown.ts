/** Why a server shuts down. */
export type ShutdownReason =
  | { readonly kind: 'asked'; readonly signal: NodeJS.Signals }
  /** Something happened after which the server must not go on. */
  | { readonly kind: 'failed'; readonly error: unknown }

export interface ShutdownSignal extends Disposable {
  /** Resolves with the first reason to shut down. */
  readonly first: Promise<ShutdownReason>
  /** Shuts down because of a failure. */
  fail(error: unknown): void
}

/** The signals that shut a server down; a second one ends the process with this exit code (128 and its number). */
const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type SignalName = keyof typeof codes
const signals = Object.keys(codes) as SignalName[]

/** npm forwards a signal that the terminal has already sent to all processes: the same Ctrl-C arrives twice. */
const echoMs = 500

/**
 * Listens for SIGINT, SIGTERM, SIGHUP (the terminal was closed) and uncaught errors. A second signal ends the process at
 * once; the database then recovers at the next start. `onLate` receives failures after the first reason. Once there is a
 * reason, it listens until the process ends.
 */
export function listenForShutdown(onLate: (error: unknown) => void): ShutdownSignal {
  const { promise, resolve } = Promise.withResolvers<ShutdownReason>()
  let askedAt: number | undefined
  let isDecided = false
  const decide = (reason: ShutdownReason) => {
    isDecided = true
    resolve(reason)
  }
  const ask = (signal: NodeJS.Signals) => {
    if (askedAt !== undefined && performance.now() - askedAt > echoMs) process.exit(codes[signal as SignalName])
    askedAt ??= performance.now()
    decide({ kind: 'asked', signal })
  }
  const fail = (error: unknown) => {
    if (isDecided) onLate(error)
    else decide({ kind: 'failed', error })
  }
  for (const signal of signals) process.on(signal, ask)
  process.on('uncaughtException', fail).on('unhandledRejection', fail)
  return {
    first: promise,
    fail,
    [Symbol.dispose]() {
      if (isDecided) return
      for (const signal of signals) process.off(signal, ask)
      process.off('uncaughtException', fail).off('unhandledRejection', fail)
    },
  }
}
