import type { Caller } from '#domain/access/service.ts'
import type { Clock } from '#lib/clock.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { webhookEvent } from './events.ts'
import { createSettingsMapper, makerOf, summaryOf } from './settings-mapper.ts'
import { rotatedKeys, type StoredKey, verificationKey } from './signature.ts'
import { updateWebhook } from './store/webhooks.ts'
import type { KeyedWebhook } from './webhook.ts'
import { invalidWebhook } from './webhook-input.ts'
import { lockOwnWebhook, mustSeeSecurity } from './webhook-rights.ts'

export interface RotateSecretDeps {
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly clock: Clock
}

const maxOverlapMs = 7 * 24 * 60 * 60 * 1000

/** The command that gives a webhook a new key. */
export function createRotateSecret({ transact, secrets, clock }: RotateSecretDeps) {
  const keeper = createSettingsMapper(secrets)

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
      const row = await lockOwnWebhook(tx, caller, id)
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

  return rotateSecret
}
