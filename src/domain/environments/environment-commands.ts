import type { Caller } from '#domain/access/service.ts'
import { InvalidInput } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import type { EnvironmentDeps } from './deps.ts'
import { type Environment, lockNameOf } from './environment.ts'
import type { EnvironmentReads } from './environment-reads.ts'
import { EnvironmentExists, EnvironmentNotFound } from './errors.ts'
import { environmentEvent } from './events.ts'
import { type EnvironmentChanges, type NewEnvironment, parseChanges, parseNew } from './input.ts'
import {
  countEnvironments,
  deleteEnvironment,
  insertEnvironment,
  isNameTaken,
  lockEnvironment,
  updateEnvironment,
} from './store.ts'

/** How many environments an account may have. */
const maxEnvironments = 1_000

/** The commands that say which environments there are. */
export function createEnvironmentCommands({ sql, transact, locks }: EnvironmentDeps, { get }: EnvironmentReads) {
  /** @throws {InvalidInput} @throws {EnvironmentExists} */
  async function create(caller: Caller, given: NewEnvironment): Promise<Environment> {
    caller.must('salesforce:admin')
    const { accountId } = caller
    const fields = parseNew(given)
    if ((await countEnvironments(sql, accountId)) >= maxEnvironments)
      throw new InvalidInput(`An account may have at most ${maxEnvironments} environments.`)
    return transact(async (tx) => {
      const row = await insertEnvironment(tx, { ...fields, accountId, id: newId(), createdBy: caller.actor })
      if (row === undefined) throw new EnvironmentExists(fields.name, fields.repository)
      tx.journal(environmentEvent('salesforce.environment_created', row, caller.by()))
      return { ...row, lock: undefined }
    })
  }

  /** @throws {EnvironmentNotFound} @throws {InvalidInput} @throws {EnvironmentExists} */
  async function update(caller: Caller, id: string, given: EnvironmentChanges): Promise<Environment> {
    caller.must('salesforce:admin')
    const changes = parseChanges(given)
    await transact(async (tx) => {
      const row = isId(id) ? await lockEnvironment(tx, caller.accountId, id) : undefined
      if (row === undefined) throw new EnvironmentNotFound(id)
      const next = { ...row, ...changes }
      if (await isNameTaken(tx, next)) throw new EnvironmentExists(next.name, next.repository)
      await updateEnvironment(tx, next)
      tx.journal(environmentEvent('salesforce.environment_updated', next, caller.by()))
    })
    return get(caller, id)
  }

  /** Deletes an environment; its holder loses it, and waiting callers are refused. @throws {EnvironmentNotFound} */
  async function remove(caller: Caller, id: string): Promise<Environment> {
    caller.must('salesforce:admin')
    const environment = await get(caller, id)
    await transact(async (tx) => {
      const row = await lockEnvironment(tx, caller.accountId, id)
      if (row === undefined) throw new EnvironmentNotFound(id)
      await deleteEnvironment(tx, row)
      tx.journal(environmentEvent('salesforce.environment_deleted', row, caller.by()))
    })
    await locks.owned.clear(caller, lockNameOf(id))
    return environment
  }

  return { create, update, remove }
}
