import type pg from 'pg'

/**
 * Settings that every connection of ours has, whatever the server, the database, the role or DATABASE_URL prefer. Prisma
 * takes each moment that it reads for UTC and sends none with its offset; the rest decides how dates, intervals, bytes and
 * numbers are written, and how transactions see each other.
 */
const settings = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  default_transaction_isolation: 'read committed',
}

/** Columns of a SELECT that applies the settings to its connection, for a statement that is sent anyway. */
export const sessionSettingsColumns = Object.entries(settings)
  .map(([name, value]) => `set_config('${name}', '${value}', false)`)
  .join(', ')

/** Applies the settings to a new connection. */
export async function applySessionSettings(client: pg.ClientBase): Promise<void> {
  await client.query(`SELECT ${sessionSettingsColumns}`)
}
