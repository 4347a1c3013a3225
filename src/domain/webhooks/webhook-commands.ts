import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import { newId } from '#lib/ids.ts'
import { runOnce } from '#platform/database/idempotency.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { WebhookSecretShown } from './errors.ts'
import { webhookEvent } from './events.ts'
import { createSettingsMapper, differsInContent, makerOf, type SettingsChanges, summaryOf } from './settings-mapper.ts'
import type { SightOf } from './sight.ts'
import { newStoredKey, type StoredKey, verificationKey } from './signature.ts'
import { cancelDeliveries } from './store/deliveries.ts'
import { insertWebhook, markDeleted, updateWebhook, type WebhookRow } from './store/webhooks.ts'
import { mustAccept, mustBeTarget, type TargetRules } from './target.ts'
import type { KeyedWebhook, WebhookSettings, WebhookStatus } from './webhook.ts'
import { invalidWebhook, parseWebhook, type WebhookInput } from './webhook-input.ts'
import { lockOwnWebhook, mustSeeSecurity } from './webhook-rights.ts'

export interface WebhookCommandsDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly quotas: Pick<QuotaService, 'mustHaveRoom'>
  readonly sightOf: SightOf
  readonly outbound: Pick<GuardedFetch, 'fetch'>
  readonly target: TargetRules
  /** How we identify ourselves when asking receivers whether they want to be called. */
  readonly origin: string
  /** @throws {InvalidInput} when a text is not a query that can produce the body of deliveries. */
  readonly checkDocument: (document: string) => void
}

export interface NewWebhook extends WebhookInput {
  /** Whether the receiver is asked first. */
  readonly handshake?: boolean | undefined
  readonly idempotencyKey?: string | undefined
}

/** What is to be changed; what is left out stays, and null stands for what is usual. */
export type WebhookChanges = SettingsChanges & {
  readonly status?: Exclude<WebhookStatus, 'FAILED'> | undefined
}

/** The commands that create, change and delete webhooks. */
export function createWebhookCommands(deps: WebhookCommandsDeps) {
  const keeper = createSettingsMapper(deps.secrets)
  const { sql, transact, secrets, quotas, outbound, target, origin, checkDocument, sightOf } = deps

  /**
   * Creates a webhook and sends it a first event, `webhook.ping`.
   * @throws {InvalidInput} @throws {QuotaExceeded} @throws {WebhookNotAccepted} @throws {IdempotencyKeyReused}
   * @throws {WebhookSecretShown}
   */
  async function create(caller: Caller, { handshake, idempotencyKey, ...input }: NewWebhook): Promise<KeyedWebhook> {
    caller.must('webhooks:admin')
    const wanted = await checked(input)
    mustSeeSecurity(caller, wanted)
    const allHeaders = { ...wanted.headers, ...wanted.secretHeaders }
    if (handshake === true) await mustAccept(outbound, wanted.url, allHeaders, origin)
    const key = newStoredKey(wanted.signing)
    const id = newId()
    const { accountId, principalId } = caller
    const row = { ...(await keeper.seal({ accountId, id }, wanted, [key])), maker: makerOf(caller) }
    const keyed = { accountId, principalId, key: idempotencyKey, operation: 'createWebhook', request: input }
    const made = await transact((tx) =>
      runOnce(tx, keyed, async () => {
        await quotas.mustHaveRoom(tx, caller.accountId, 'webhooks')
        await insertWebhook(tx, { ...row, status: 'ACTIVE', statusReason: null, createdBy: caller.actor })
        tx.journal(webhookEvent('webhook.created', row, caller.by(), summaryOf(row)))
        tx.journal(webhookEvent('webhook.ping', row, caller.by(), { name: row.name }))
        return id
      }),
    )
    if (made.isRepeated) throw new WebhookSecretShown(made.outcome)
    return { id, secret: verificationKey(key) }
  }

  /**
   * Changes a webhook, at once for what is delivered from now on. A caller who changes what is sent, or where, becomes its
   * maker; so does one who switches it on when its maker may have none any more.
   * @throws {WebhookNotFound} @throws {InvalidInput} @throws {Forbidden} for a maker who may not see what it asks for
   */
  async function update(caller: Caller, id: string, { status, ...changes }: WebhookChanges): Promise<string> {
    caller.must('webhooks:admin')
    if ((status as WebhookStatus | undefined) === 'FAILED')
      throw invalidWebhook([{ path: 'status', message: 'is ACTIVE or INACTIVE; FAILED is for the server to say' }])
    const before = await transact((tx) => lockOwnWebhook(tx, caller, id))
    const input = await keeper.merge(before, changes)
    const wanted = await checked(input)
    const isLapsed = status === 'ACTIVE' && !(await sightOf(sql, before)).isValid
    const isTakenOver = isLapsed || differsInContent(await keeper.merge(before, {}), input)
    if (isTakenOver) mustSeeSecurity(caller, wanted)
    return transact(async (tx) => {
      const row = await lockOwnWebhook(tx, caller, id)
      // Somebody else was faster: their changes are not lost.
      if (row.version !== before.version) return undefined
      const keys = await keysFor(row, wanted)
      const next = {
        ...(await keeper.seal(row, wanted, keys)),
        createdBy: row.createdBy,
        maker: isTakenOver ? makerOf(caller) : row.maker,
        status: status ?? row.status,
        statusReason: status === undefined ? row.statusReason : null,
      }
      await updateWebhook(tx, next)
      const data = { ...summaryOf(next), status: next.status, ...(isTakenOver && { maker: caller.actor }) }
      tx.journal(webhookEvent('webhook.updated', row, caller.by(), data))
      return id
    }).then((done) => done ?? update(caller, id, { ...changes, ...(status !== undefined && { status }) }))
  }

  /** With another method the old keys can't be gone on with. */
  async function keysFor(row: WebhookRow, wanted: WebhookSettings): Promise<StoredKey[]> {
    const keys = JSON.parse(await secrets.open(row.keys)) as StoredKey[]
    if (row.signing !== wanted.signing)
      throw invalidWebhook([{ path: 'signing', message: 'is changed by rotateWebhookSecret, which shows the new key' }])
    return keys
  }

  /** Deletes a webhook with its secrets; what waits for it is not delivered, and its history stays. @throws {WebhookNotFound} */
  async function remove(caller: Caller, id: string): Promise<string> {
    caller.must('webhooks:admin')
    return transact(async (tx) => {
      const row = await lockOwnWebhook(tx, caller, id)
      await markDeleted(tx, row.accountId, id)
      await cancelDeliveries(tx, row.accountId, id)
      tx.journal(webhookEvent('webhook.deleted', row, caller.by(), summaryOf(row)))
      return id
    })
  }

  /** The settings, found to be possible. @throws {InvalidInput} */
  async function checked(input: WebhookInput): Promise<WebhookSettings> {
    const wanted = parseWebhook(input)
    await mustBeTarget(wanted.url, target)
    if (wanted.document !== undefined) checkDocument(wanted.document)
    return wanted
  }

  return { create, update, remove }
}
