import type { TestServer } from '#test/support/server.ts'

/** Everything that an account has, save for what is recorded of calls, to it and from it: to see that nothing has changed. */
export async function contentsOf({ database }: Pick<TestServer, 'database'>, accountId: string): Promise<unknown> {
  const tables = await database.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_name = 'account_id'
       AND table_name !~ '^(journal|audit|refusal|token_hour|usage|delivery)' ORDER BY 1`,
  )
  const contents = tables.map(async ({ name }) => {
    const rows = await database.query(
      `SELECT to_jsonb(t) - 'calls' - 'last_used_at' - 'last_used_address' - 'last_used_agent' - 'addresses'
         - 'attempts' - 'failed_attempts' - 'undelivered' - 'duration_ms' - 'last_failure_at' - 'failures' AS row
       FROM "${name}" t WHERE account_id = $1 ORDER BY t::text`,
      [accountId],
    )
    return [name, rows]
  })
  return Object.fromEntries(await Promise.all(contents))
}
