import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isPassing, payloadOf, ReleaseLockDocument, RenewLockDocument, SignalboxError } from '#client/index.ts'
import { CommandFailure, exitCodes } from './exit-codes.ts'
import type { Api } from './session.ts'
import { printable } from './text.ts'

interface Held {
  readonly name: string
  readonly fence: number
}

/** Renewals in the time of one lease, so that two may fail. */
const renewalsInLease = 3
/** How long giving it back may take, in milliseconds; its lease ends it otherwise. */
const releaseMs = 5_000

/** Runs a command while the lock is held, renews the lease meanwhile, and gives it back. @returns the command's exit code */
export async function holdLock(api: Api, lock: Held, ttlMs: number, command: readonly string[]): Promise<number> {
  const child = start(api, lock, command)
  const ended = new AbortController()
  const renewing = renew(api, lock, ttlMs, ended.signal).then((why) => {
    if (why === undefined) return undefined
    api.output.remark(`The lock ${printable(lock.name)} was lost: ${why} Asking the command to stop.`)
    child.kill('SIGTERM')
    return why
  })
  // Ctrl-C reaches the command directly; this process ends after it.
  const pass = (signal: NodeJS.Signals) => void (signal === 'SIGTERM' && child.kill(signal))
  process.on('SIGINT', pass).on('SIGTERM', pass)
  try {
    const code = await exitCodeOf(child, command).finally(() => ended.abort())
    return (await renewing) === undefined ? code : exitCodes.conflict
  } finally {
    // Also when the command could not be started: nobody has to wait for the lease to expire.
    if ((await renewing) === undefined) await release(api, lock)
    process.off('SIGINT', pass).off('SIGTERM', pass)
  }
}

function start({ env }: Api, { name, fence }: Held, [program = '', ...args]: readonly string[]): ChildProcess {
  const own = { SIGNALBOX_LOCK: name, SIGNALBOX_FENCE: String(fence) }
  return spawn(program, args, { stdio: 'inherit', env: { ...env, ...own } })
}

async function exitCodeOf(child: ChildProcess, command: readonly string[]): Promise<number> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)
  } catch (cause) {
    throw new CommandFailure(`"${command[0]}" can't be run: ${(cause as Error).message}.`, undefined, { cause })
  }
}

/** Renews until it is stopped; why the lock was lost, if it was. */
async function renew({ client }: Api, lock: Held, ttlMs: number, signal: AbortSignal): Promise<string | undefined> {
  const { name, fence } = lock
  let until = performance.now() + ttlMs
  for (;;) {
    await sleep(ttlMs / renewalsInLease, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return undefined
    const askedAt = performance.now()
    try {
      const timeoutMs = Math.max(1, Math.ceil(until - askedAt))
      payloadOf(
        (await client.request(RenewLockDocument, { input: { name, fence, ttlMs } }, { signal, timeoutMs })).renewLock,
      )
      until = askedAt + ttlMs
    } catch (error) {
      if (signal.aborted) return undefined
      // A server that is away may be back before the lease is over.
      if (!isPassing(error) || performance.now() >= until) return errorText(error)
    }
  }
}

/** Whatever it is, the command must not go on without the lock. */
function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function release({ client, output }: Api, { name, fence }: Held): Promise<void> {
  try {
    payloadOf(
      (await client.request(ReleaseLockDocument, { input: { name, fence } }, { timeoutMs: releaseMs })).releaseLock,
    )
  } catch (error) {
    if (!(error instanceof SignalboxError)) throw error
    output.remark(`The lock ${printable(name)} was not released: ${error.message} It ends with its lease.`)
  }
}
