import type { Caller } from '#domain/access/service.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { inexactNumber } from '#lib/exact-json.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { isNestedBeyond, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import { runOnce } from '#platform/database/idempotency.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { readEntriesOf, readOwnXid } from '#platform/journal/store.ts'
import type { Queue } from '#platform/queue/queue.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { deliveryId } from './delivery.ts'
import type { Endpoints } from './endpoints.ts'
import { EventGone, WebhookNotActive, WebhookNotFound, WebhookSecretShown } from './errors.ts'
import { accountStateTypes, changingTypes, webhookEvent } from './events.ts'
import { redacted } from './redaction.ts'
import { createRedelivery } from './redelivery.ts'
import { createSettingsMapper, differsInContent, makerOf, type SettingsChanges, summaryOf } from './settings-mapper.ts'
import type { SightOf } from './sight.ts'
import { newStoredKey, rotatedKeys, type StoredKey, verificationKey } from './signature.ts'
import { cancelDeliveries } from './store/deliveries.ts'
import { insertWebhook, lockWebhook, markDeleted, updateWebhook, type WebhookRow } from './store/webhooks.ts'
import { mustAccept, mustBeTarget, type TargetRules } from './target.ts'
import { createTriggerEvent } from './trigger-event.ts'
import { followDeliveries } from './updates.ts'
import type { WebhookMaker, WebhookSettings, WebhookStatus } from './webhook.ts'
import { invalidWebhook, parseWebhook, type WebhookInput } from './webhook-input.ts'

export interface WebhookServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly queue: Pick<Queue, 'send'>
  readonly journal: Journal
  readonly secrets: SecretBox
  readonly clock: Clock
  readonly quotas: Pick<QuotaService, 'mustHaveRoom' | 'hold'>
  readonly endpoints: Endpoints
  readonly sightOf: SightOf
  /** Whether a caller may know what an event is about. */
  readonly mayNameSubject: (caller: Caller, event: Pick<JournalEntry, 'type' | 'subject'>) => boolean
  readonly outbound: Pick<GuardedFetch, 'fetch'>
  readonly target: TargetRules
  /** How we identify ourselves when asking receivers whether they want to be called. */
  readonly origin: string
  /** @throws {InvalidInput} when a text is not a query that can produce the body of deliveries. */
  readonly checkDocument: (document: string) => void
}

/** Everything that can be done with webhooks; the only way in for callers. */
export type WebhookService = ReturnType<typeof createWebhookService>

export interface NewWebhook extends WebhookInput {
  /** Whether the receiver is asked first. */
  readonly handshake?: boolean | undefined
  readonly idempotencyKey?: string | undefined
}

/** What is to be changed; what is left out stays, and null stands for what is usual. */
export type WebhookChanges = SettingsChanges & {
  readonly status?: Exclude<WebhookStatus, 'FAILED'> | undefined
}

/** A webhook whose verification key is shown this once. */
export interface KeyedWebhook {
  readonly id: string
  readonly secret: string
}

const maxOverlapMs = 7 * 24 * 60 * 60 * 1000
const maxPingBytes = 64 * 1024

export function createWebhookService(deps: WebhookServiceDeps) {
  const keeper = createSettingsMapper(deps.secrets)
  const { sql, transact, secrets, clock, quotas, outbound, target, origin, checkDocument, sightOf } = deps

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
    const before = await transact((tx) => lock(tx, caller, id))
    const input = await keeper.merge(before, changes)
    const wanted = await checked(input)
    const isLapsed = status === 'ACTIVE' && !(await sightOf(sql, before)).isValid
    const isTakenOver = isLapsed || differsInContent(await keeper.merge(before, {}), input)
    if (isTakenOver) mustSeeSecurity(caller, wanted)
    return transact(async (tx) => {
      const row = await lock(tx, caller, id)
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
      const row = await lock(tx, caller, id)
      await markDeleted(tx, row.accountId, id)
      await cancelDeliveries(tx, row.accountId, id)
      tx.journal(webhookEvent('webhook.deleted', row, caller.by(), summaryOf(row)))
      return id
    })
  }

  /**
   * Gives a webhook a new key, and makes the caller its maker; the old key signs beside it for the overlap, in
   * milliseconds. @throws {WebhookNotFound} @throws {InvalidInput}
   */
  async function rotateSecret(
    caller: Caller,
    id: string,
    overlapMs: number,
    signing?: StoredKey['method'],
  ): Promise<KeyedWebhook> {
    caller.must('webhooks:admin')
    if (overlapMs < 0 || overlapMs > maxOverlapMs)
      throw invalidWebhook([{ path: 'overlapMs', message: `must be 0 to ${maxOverlapMs}: at most seven days` }])
    return transact(async (tx) => {
      const row = await lock(tx, caller, id)
      mustSeeSecurity(caller, row)
      const now = clock.now()
      const until = new Date(now.getTime() + overlapMs)
      const method = signing ?? row.signing
      const keys = rotatedKeys(JSON.parse(await secrets.open(row.keys)) as StoredKey[], { method, until, now })
      const [fresh] = keys as [StoredKey]
      await updateWebhook(tx, { ...row, signing: method, ...(await keeper.sealKeys(keys)), maker: makerOf(caller) })
      const data = { ...summaryOf(row), overlapUntil: until.toISOString(), maker: caller.actor }
      tx.journal(webhookEvent('webhook.secret_rotated', row, caller.by(), data))
      return { id, secret: verificationKey(fresh) }
    })
  }

  /**
   * Sends a webhook an event of its own, `webhook.ping`, with this data; returns the delivery's id.
   * @throws {WebhookNotFound} @throws {WebhookNotActive} @throws {InvalidInput} @throws {QuotaExceeded}
   */
  async function test(caller: Caller, id: string, data: unknown): Promise<{ id: string; deliveryId: string }> {
    caller.must('webhooks:admin')
    const payload = data ?? {}
    if (isNestedBeyond(payload)) throw invalidWebhook([{ path: 'payload', message: tooDeep() }])
    if (!isStorable(payload)) throw invalidWebhook([{ path: 'payload', message: unstorable }])
    const fault = inexactNumber(payload)
    if (fault !== undefined) throw invalidWebhook([{ path: faultPath('payload', fault), message: fault.message }])
    const storedBytes = Buffer.byteLength(JSON.stringify(payload))
    if (storedBytes > maxPingBytes)
      throw invalidWebhook([{ path: 'data', message: `must have at most ${maxPingBytes} bytes` }])
    const release = await quotas.hold(caller.accountId, { storedBytes })
    const sent = transact(async (tx) => {
      const row = await lock(tx, caller, id)
      if (row.status !== 'ACTIVE') throw new WebhookNotActive(id, row.status)
      tx.journal(webhookEvent('webhook.ping', row, caller.by(), { name: row.name, payload }))
      return readOwnXid(tx)
    })
    const xid = await sent.finally(release)
    const [ping] = await readEntriesOf(sql, caller.accountId, `webhook:${id}`, xid)
    if (ping === undefined) throw new EventGone()
    return { id, deliveryId: deliveryId(id, ping) }
  }

  async function lock(tx: Transaction, caller: Caller, id: string): Promise<WebhookRow> {
    const row = isId(id) ? await lockWebhook(tx, caller.accountId, id) : undefined
    if (row === undefined) throw new WebhookNotFound(id)
    return row
  }

  /** The settings, found to be possible. @throws {InvalidInput} */
  async function checked(input: WebhookInput): Promise<WebhookSettings> {
    const wanted = parseWebhook(input)
    await mustBeTarget(wanted.url, target)
    if (wanted.document !== undefined) checkDocument(wanted.document)
    return wanted
  }

  return {
    create,
    update,
    remove,
    rotateSecret,
    test,
    trigger: createTriggerEvent(deps),
    redeliver: createRedelivery(deps),
    /** The maker of a webhook, and which scopes it has of theirs now. */
    async makerOf(webhook: Parameters<SightOf>[1]): Promise<Pick<WebhookMaker, 'actor' | 'scopes'>> {
      const { maker } = await sightOf(sql, webhook)
      return { actor: maker.actor, scopes: maker.scopes }
    },
    /** What a delivery's event is about, as far as the caller may know: its kind alone otherwise. */
    shownSubject(caller: Caller, type: string, subject: string): string {
      if (deps.mayNameSubject(caller, { type, subject })) return subject
      return `${subject.slice(0, subject.indexOf(':'))}:${redacted}`
    },
    /** Selects deliveries by subject; those whose subject is not shown to the caller are not found by it either. */
    subjectCondition(caller: Caller, subject: string) {
      const isNamed = deps.mayNameSubject(caller, { type: 'auth.*', subject })
      return {
        subject: isNamed ? subject : this.shownSubject(caller, '', subject),
        ...(!isNamed && { NOT: { eventType: { startsWith: 'auth.' } } }),
      }
    },
    /** @see followDeliveries */
    async updates(caller: Caller, webhookId: string | undefined, after: string | undefined) {
      caller.must('webhooks:admin')
      return followDeliveries(deps.journal, caller.accountId, webhookId, after)
    },
    /** To be called with each entry of the journal: webhooks that have changed, or their account, are read again. */
    onJournalEntry({ accountId, type }: Pick<JournalEntry, 'accountId' | 'type'>): void {
      if (changingTypes.has(type) || accountStateTypes.has(type)) deps.endpoints.forget(accountId)
    },
  }
}

/** Security events are for makers who may read the audit log. @throws {Forbidden} */
function mustSeeSecurity(caller: Caller, { events }: Pick<WebhookSettings, 'events'>): void {
  if (events.some((pattern) => pattern.startsWith('auth.'))) caller.must('audit:read')
}
