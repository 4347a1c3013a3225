import type { LockService } from '#domain/locks/service.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { Journal } from '#platform/journal/journal.ts'

export interface EnvironmentDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly journal: Journal
  readonly locks: Pick<LockService, 'owned'>
}
