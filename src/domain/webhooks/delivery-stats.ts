import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { webhookEvent } from './events.ts'
import type { Settlement } from './store/deliveries.ts'
import { addStats, disableWebhook, type Failing, setToldPercent, type WebhookStats } from './store/webhooks.ts'

/** The percentages of the allowed failures at which a warning event is written. */
const toldAt = [50, 70, 90, 100] as const
const intervalMs = 1_000

/** Outcomes that say nothing about the receiver or the settings, and are not counted. */
const untold: ReadonlySet<string> = new Set(['skipped', 'expired', 'not_allowed'])

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] }

export interface DeliveryStatsDeps {
  readonly transact: Transact
  readonly actor: Actor
  /** After so many failed attempts in a row a webhook is switched off; 0: never. */
  readonly disableAfter: number
  readonly log: Logger
}

/**
 * Counts the outcomes of attempts, and writes them every second: a row that changed with each attempt would serialize all
 * attempts of a webhook. A process that is killed loses the counts of its last second.
 */
export class DeliveryStats {
  readonly #deps: DeliveryStatsDeps
  readonly #stats = new Map<string, Mutable<WebhookStats>>()
  readonly #gone = new Map<string, { accountId: string; id: string }>()
  readonly #timer: NodeJS.Timeout
  #writing: Promise<void> | undefined

  constructor(deps: DeliveryStatsDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => this.#write(), intervalMs)
  }

  note({ delivery, result, settled }: Settlement): void {
    if (untold.has(result.outcome)) return
    const { accountId, webhookId: id } = delivery
    const count = this.#stats.get(id) ?? empty(accountId, id)
    this.#stats.set(id, count)
    const isWell = result.outcome === 'success'
    count.attempts += 1
    count.durationMs += result.durationMs
    count.delivered += isWell ? 1 : 0
    count.undelivered += settled.status === 'FAILED' ? 1 : 0
    count.failedAttempts += isWell ? 0 : 1
    count.failures = isWell ? 0 : count.failures + 1
    if (isWell) count.lastDeliveryAt = result.at
    else count.lastFailureAt = result.at
    if (settled.isGone === true) this.#gone.set(id, { accountId, id })
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#writing
    this.#write()
    await this.#writing
  }

  #write(): void {
    if (this.#writing !== undefined || this.#stats.size === 0) return
    const stats = [...this.#stats.values()]
    const gone = [...this.#gone.values()]
    this.#stats.clear()
    this.#gone.clear()
    this.#writing = this.#deps.transact
      .quiet('delivery statistics')((tx) => this.#add(tx, stats, gone))
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, 'the outcomes of deliveries were not counted'))
      .finally(() => {
        this.#writing = undefined
      })
  }

  async #add(
    tx: Transaction,
    stats: readonly WebhookStats[],
    gone: readonly { accountId: string; id: string }[],
  ): Promise<void> {
    for (const failing of await addStats(tx, stats)) await this.#warn(tx, failing)
    for (const webhook of gone) await this.#disable(tx, webhook, 'The receiver answered that it is gone (410).')
  }

  /** Warns as a webhook comes closer to the allowed number of failures, and disables it at the end. */
  async #warn(tx: Transaction, failing: Failing): Promise<void> {
    const { disableAfter, actor } = this.#deps
    if (disableAfter === 0 || failing.status !== 'ACTIVE' || failing.deleted) return
    const percent = toldAt.findLast((one) => failing.failures * 100 >= one * disableAfter) ?? 0
    if (percent <= failing.toldPercent) return
    await setToldPercent(tx, failing, percent)
    const { name, failures } = failing
    tx.journal(webhookEvent('webhook.failing', failing, { actor }, { name, failures, disableAfter, percent }))
    if (percent === 100) await this.#disable(tx, failing, `${failures} attempts in a row have failed.`)
  }

  async #disable(tx: Transaction, webhook: { accountId: string; id: string }, reason: string): Promise<void> {
    const name = await disableWebhook(tx, webhook, reason)
    if (name !== undefined)
      tx.journal(webhookEvent('webhook.disabled', webhook, { actor: this.#deps.actor }, { name, reason }))
  }
}

function empty(accountId: string, id: string): Mutable<WebhookStats> {
  return {
    accountId,
    id,
    delivered: 0,
    undelivered: 0,
    attempts: 0,
    failedAttempts: 0,
    durationMs: 0,
    lastDeliveryAt: undefined,
    lastFailureAt: undefined,
    failures: 0,
  }
}
