import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { SecretBox } from './secret-box.ts'

/** The result of re-encrypting one batch of a target. */
interface Renewal {
  /** Where the next batch begins; undefined at the end. */
  readonly last: string | undefined
  readonly renewed: number
  /** How many no available key can decrypt. */
  readonly unreadable: number
}

/** Stored values that are encrypted with a secret key, and re-encrypted when it changes. */
export interface RotationTarget {
  /** In the plural, for people. */
  readonly name: string
  /** How many values an older key has encrypted. */
  countOld(sql: Pick<Sql, 'query'>): Promise<number>
  /** Re-encrypts at most `limit` values after an id; others may write meanwhile. */
  reencrypt(tx: Sql, after: string, limit: number): Promise<Renewal>
}

/** A column of encrypted texts; names are constants in the code. */
export interface EncryptedColumn {
  readonly name: string
  readonly table: string
  /** A column of UUIDs, unique in the table. */
  readonly id: string
  readonly column: string
}

/** Before the first identifier. */
const beginning = '00000000-0000-0000-0000-000000000000'

/** A column as a target: each text that {@link SecretBox} encrypts names its key. */
export function columnTarget({ name, table, id, column }: EncryptedColumn, box: SecretBox): RotationTarget {
  const isOld = `${column} IS NOT NULL AND NOT starts_with(${column}, $1)`
  const countSql = `SELECT count(*)::int AS count FROM ${table} WHERE ${isOld}`
  const batchSql = `
    SELECT ${id} AS id, ${column} AS sealed FROM ${table} WHERE ${isOld} AND ${id} > $2 ORDER BY ${id} LIMIT $3 FOR UPDATE`
  const saveSql = `UPDATE ${table} SET ${column} = $2 WHERE ${id} = $1`

  return {
    name,
    async countOld(sql) {
      const [row] = await sql.query<{ count: number }>(countSql, [await box.beginning()])
      return row?.count ?? 0
    },
    async reencrypt(tx, after, limit) {
      const rows = await tx.query<{ id: string; sealed: string }>(batchSql, [await box.beginning(), after, limit])
      let renewed = 0
      for (const row of rows) {
        const text = await box.open(row.sealed).catch(() => undefined)
        if (text === undefined) continue
        await tx.query(saveSql, [row.id, await box.seal(text)])
        renewed += 1
      }
      const last = rows.length < limit ? undefined : rows.at(-1)?.id
      return { last, renewed, unreadable: rows.length - renewed }
    },
  }
}

/** Re-encrypts a whole target, each batch in its own transaction: an interrupted run keeps what it has done. */
export async function reencryptTarget(
  transact: Transact,
  target: RotationTarget,
  batch = 100,
): Promise<{ renewed: number; unreadable: number }> {
  const quietly = transact.quiet('the same secrets under another key')
  const total = { renewed: 0, unreadable: 0 }
  for (let after: string | undefined = beginning; after !== undefined; ) {
    const from: string = after
    const { last, renewed, unreadable } = await quietly((tx) => target.reencrypt(tx, from, batch))
    total.renewed += renewed
    total.unreadable += unreadable
    after = last
  }
  return total
}
