import type pg from 'pg'
import type { Sql } from '#platform/database/sql.ts'

/** A connection, for what reads by the interface of all others. */
export function sqlOf(client: pg.Client): Pick<Sql, 'query'> {
  return {
    query: async <Row>(text: string, values?: readonly unknown[]) =>
      (await client.query(text, values && [...values])).rows as Row[],
  }
}

/** Whether a table has a column of this name: not in a database with migrations still to be applied. */
export async function hasColumn(client: pg.Client, table: string, column: string): Promise<boolean> {
  const text = 'SELECT 1 FROM information_schema.columns WHERE table_name = $1 AND column_name = $2'
  return (await client.query(text, [table, column])).rows.length > 0
}

/** Whether there is a table of this name: not in a database that was never migrated. */
export async function hasTable(client: pg.Client, name: string): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [name])
  return rows[0]?.found === true
}
