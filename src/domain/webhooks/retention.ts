import type { Sql } from '#platform/database/sql.ts'
import { deleteOldDeliveries } from './store/deliveries.ts'

const batchSize = 1_000

/** Deletes deliveries that are older than so many days; harmless to repeat, also by several processes. */
export async function applyDeliveryRetention(sql: Sql, days: number): Promise<void> {
  while ((await deleteOldDeliveries(sql, days, batchSize)) === batchSize);
}
