import type { Caller, RequestOrigin } from '#domain/access/caller.ts'
import { addressBlock } from '#lib/address.ts'
import type { Clock } from '#lib/clock.ts'
import { compositeKey } from '#lib/composite-key.ts'
import { IncidentWindows, type Told } from '#lib/incident-windows.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import type { HookEventType } from './events.ts'
import { findAccount } from './store.ts'
import type { Hook, VerifiedCall } from './verification.ts'

/** A call that a hook refused. */
export interface RefusedCall {
  /** The code of the refusal. */
  readonly reason: string
  readonly message: string
  readonly request: RequestOrigin
  /** What the call was, when its signature was right. */
  readonly proved?: { readonly caller: Caller; readonly call: VerifiedCall } | undefined
}

type Incident = RefusedCall & { readonly hook: Hook }

export interface RefusedCallsDeps {
  readonly transact: Transact
  readonly sql: Sql
  readonly clock: Clock
  readonly log: Logger
  /** Who makes a call that has proved nothing. */
  readonly byStranger: (request: RequestOrigin) => By
}

/** How many hooks are distinguished in a minute. */
const maxHooks = 1_000

/**
 * Logs and journals the calls that hooks refuse. Anyone can make such calls, so each process reports at most ten different
 * ones of a hook in a minute, and counts the others; calls whose signature was right are counted apart, so that
 * strangers cannot hide them.
 */
export class RefusedCalls {
  readonly #transact: Transact
  readonly #sql: Sql
  readonly #clock: Clock
  readonly #log: Logger
  readonly #byStranger: (request: RequestOrigin) => By
  readonly #windows = new IncidentWindows<Incident>(2 * maxHooks)

  constructor({ transact, sql, clock, log, byStranger }: RefusedCallsDeps) {
    this.#byStranger = byStranger
    this.#transact = transact.quiet('calls that hooks refused')
    this.#sql = sql
    this.#clock = clock
    this.#log = log
  }

  /** Notes a call; it is in the journal about a second later. */
  add(hook: Hook, refused: RefusedCall): void {
    const { reason, message, request, proved } = refused
    const source = compositeKey(hook.id, proved === undefined ? 'stranger' : 'sender')
    const key = compositeKey(reason, proved?.call.event ?? addressBlock(request.address))
    const isReported = this.#windows.add(source, key, { ...refused, hook }, this.#clock.now().getTime())
    if (!isReported) return
    const { requestId, address } = request
    const line = { hook: hook.id, sender: hook.sender, reason, address, requestId, ...factsOf(proved?.call) }
    this.#log.warn(line, `a hook refused a call: ${message}`)
  }

  /** Journals what was noted; `everything`, also minutes that are not over. */
  async report({ everything = false } = {}): Promise<void> {
    const taken = this.#windows.take(everything ? Number.POSITIVE_INFINITY : this.#clock.now().getTime())
    if (taken.length === 0) return
    try {
      const accounts = await this.#accountsOf(taken)
      await this.#transact(async (tx) => {
        for (const noted of taken) this.#journal(tx, accounts.get(noted.incident.hook.account), noted)
      })
    } catch (error) {
      // The database may be away for a while.
      this.#windows.giveBack(taken)
      throw error
    }
    for (const { incident, suppressed } of taken) {
      if (suppressed === 0) continue
      this.#log.warn({ hook: incident.hook.id, suppressed }, 'a hook refused more calls in the last minute')
    }
  }

  /** The accounts that the hooks belong to, by what the configuration says. */
  async #accountsOf(taken: readonly Told<Incident>[]): Promise<Map<string | undefined, string | undefined>> {
    const named = [...new Set(taken.map(({ incident }) => incident.hook.account))]
    const accounts = await Promise.all(named.map((account) => findAccount(this.#sql, account)))
    return new Map(named.map((account, index) => [account, accounts[index]]))
  }

  #journal(tx: Transaction, accountId: string | undefined, { incident, suppressed }: Told<Incident>): void {
    // A hook of an account that is gone or suspended has no log to write to.
    if (accountId === undefined) return
    const { hook, reason, request, proved } = incident
    const data = {
      ...{ hook: hook.id, sender: hook.sender, reason },
      ...factsOf(proved?.call),
      ...(suppressed > 0 && { suppressed }),
    }
    const by = proved?.caller.by() ?? this.#byStranger(request)
    tx.journal({ ...by, accountId, type: 'hook.refused' satisfies HookEventType, subject: `hook:${hook.id}`, data })
  }
}

/** What is believed of a call that proved where it comes from. */
function factsOf(call: VerifiedCall | undefined) {
  if (call === undefined) return {}
  const { event, deliveryId } = call
  return { event, ...(deliveryId !== undefined && { deliveryId }) }
}
