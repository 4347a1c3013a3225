import type { Caller } from '#domain/access/service.ts'
import { InvalidInput, invalidValue } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { minSecretLength, secretNameFault } from '#lib/secret-rule.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Actor } from '#platform/journal/entry.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import { SecretNotFound } from './errors.ts'
import { secretEvent } from './events.ts'
import { maxSecrets, maxValueBytes, type Secret } from './secret.ts'
import { countSecrets, deleteSecret, listSecrets, noteUse, readEncrypted, saveSecret } from './store.ts'

export interface SecretServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly box: SecretBox
}

/** The attempt that secrets are read for. */
interface UsingAttempt {
  readonly accountId: string
  readonly taskId: string
  readonly type: string
  readonly number: number
  readonly workerId: number
}

/** Everything that can be done with the secrets that tasks use; the only way in for callers. */
export type SecretService = ReturnType<typeof createSecretService>

export function createSecretService({ sql, transact, box }: SecretServiceDeps) {
  /** Creates a secret, or replaces its value. Attempts that run keep the old one. @throws {InvalidInput} */
  async function put(caller: Caller, name: string, value: string): Promise<Secret & { readonly isNew: boolean }> {
    caller.must('secrets:write')
    mustBeValid(name, value)
    const { accountId, actor: by } = caller
    const encrypted = await box.seal(value)
    return transact(async (tx) => {
      const saved = await saveSecret(tx, { accountId, id: newId(), name, encrypted, by })
      if (saved.isNew && (await countSecrets(tx, accountId)) > maxSecrets)
        throw new InvalidInput(`An account can have at most ${maxSecrets.toLocaleString('en')} secrets.`)
      tx.journal(secretEvent(saved.isNew ? 'secret.created' : 'secret.updated', saved, caller.by()))
      return saved
    })
  }

  /** @throws {SecretNotFound} */
  async function remove(caller: Caller, name: string): Promise<Secret> {
    caller.must('secrets:write')
    return transact(async (tx) => {
      const secret = await deleteSecret(tx, caller.accountId, name)
      if (secret === undefined) throw new SecretNotFound(name)
      tx.journal(secretEvent('secret.deleted', secret, caller.by()))
      return secret
    })
  }

  /** Up to `limit` secrets behind a name, in the order of their names; never their values. */
  async function list(caller: Caller, after: string, limit: number): Promise<Secret[]> {
    caller.must('secrets:read')
    return listSecrets(sql, caller.accountId, after, limit)
  }

  /**
   * The values of secrets for an attempt that is about to start, each use in the journal before; only those that exist
   * when some don't, and then nothing counts as used.
   */
  async function give(attempt: UsingAttempt, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { accountId, taskId, type: taskType, number, workerId } = attempt
    const actor: Actor = { kind: 'system', id: `worker-${workerId}`, name: `worker-${workerId}` }
    const encrypted = await transact(async (tx) => {
      const found = await readEncrypted(tx, accountId, names)
      if (found.size < names.length) return found
      await noteUse(tx, accountId, names)
      for (const name of names)
        tx.journal(secretEvent('secret.used', { accountId, name }, { actor }, { taskId, taskType, attempt: number }))
      return found
    })
    return new Map(await Promise.all([...encrypted].map(async ([name, text]) => [name, await box.open(text)] as const)))
  }

  return { put, remove, list, give }
}

function mustBeValid(name: string, value: string): void {
  const fault = secretNameFault(name)
  if (fault !== undefined) throw invalidValue('The name', 'name', fault)
  if (value.trim().length < minSecretLength)
    throw invalidValue(
      'The value',
      'value',
      `must have at least ${minSecretLength} characters, or it could not be masked`,
    )
  if (Buffer.byteLength(value) > maxValueBytes)
    throw invalidValue('The value', 'value', `may have at most ${maxValueBytes.toLocaleString('en')} bytes`)
  if (!isStorable(value)) throw invalidValue('The value', 'value', unstorable)
}
