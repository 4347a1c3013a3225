/** Why a server is to end. */
export type End =
  | { readonly kind: 'asked'; readonly signal: NodeJS.Signals }
  /** Something happened after which it must not go on. */
  | { readonly kind: 'failed'; readonly error: unknown }

export interface Ending extends Disposable {
  /** Resolves with the first reason to end. */
  readonly first: Promise<End>
  /** Makes a failure the reason to end. */
  fail(error: unknown): void
}

/** What asks a server to end, and what a second one ends the process with (128 and its number). */
const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
type EndSignal = keyof typeof codes
const signals = Object.keys(codes) as EndSignal[]

/** npm hands on a signal that the terminal has already sent to everybody: the same Ctrl-C arrives twice. */
const echoMs = 500

/**
 * Listens for what ends a server: SIGINT, SIGTERM, SIGHUP (its terminal was closed), and errors that nobody caught. A
 * second signal ends the process at once; the database then recovers at the next start. `onLate` hears of failures after
 * the first reason. Once there is a reason it goes on listening to the end of the process.
 */
export function awaitEnd(onLate: (error: unknown) => void): Ending {
  const { promise, resolve } = Promise.withResolvers<End>()
  let askedAt: number | undefined
  let isDecided = false
  const decide = (end: End) => {
    isDecided = true
    resolve(end)
  }
  const ask = (signal: NodeJS.Signals) => {
    if (askedAt !== undefined && performance.now() - askedAt > echoMs) process.exit(codes[signal as EndSignal])
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
