import type { Caller } from '#domain/access/service.ts'
import { isId } from '#lib/ids.ts'
import type { EnvironmentDeps } from './deps.ts'
import { type Environment, type EnvironmentRow, lockNameOf, type Waiter } from './environment.ts'
import { EnvironmentNotFound } from './errors.ts'
import { type EnvironmentFilter, findEnvironments, listEnvironments } from './store.ts'

export type EnvironmentReads = ReturnType<typeof createEnvironmentReads>

/** What callers read of environments. */
export function createEnvironmentReads({ sql, locks }: Pick<EnvironmentDeps, 'sql' | 'locks'>) {
  /** Environments by repository and name, behind one of them, each with who holds it. */
  async function list(
    caller: Caller,
    filter: EnvironmentFilter,
    page: { after: { repository: string; name: string } | undefined; limit: number },
  ): Promise<Environment[]> {
    caller.must('salesforce:use')
    return withLocks(caller.accountId, await listEnvironments(sql, caller.accountId, filter, page))
  }

  /** Those of these that there are, in any order. */
  async function findAll(caller: Caller, ids: readonly string[]): Promise<Environment[]> {
    caller.must('salesforce:use')
    return withLocks(caller.accountId, await findEnvironments(sql, caller.accountId, ids.filter(isId)))
  }

  async function find(caller: Caller, id: string): Promise<Environment | undefined> {
    return (await findAll(caller, [id]))[0]
  }

  /** @throws {EnvironmentNotFound} */
  async function get(caller: Caller, id: string): Promise<Environment> {
    const environment = await find(caller, id)
    if (environment === undefined) throw new EnvironmentNotFound(id)
    return environment
  }

  async function withLocks(accountId: string, rows: readonly EnvironmentRow[]): Promise<Environment[]> {
    const held = await locks.owned.findAll(
      accountId,
      rows.map(({ id }) => lockNameOf(id)),
    )
    return rows.map((row) => ({ ...row, lock: held.get(lockNameOf(row.id)) }))
  }

  /** Up to `limit` of those who wait for an environment, in the order of their turns. */
  async function queue(caller: Caller, id: string, limit: number): Promise<Waiter[]> {
    caller.must('salesforce:use')
    return locks.owned.queue(caller.accountId, lockNameOf(id), limit)
  }

  return { list, find, findAll, get, queue }
}
