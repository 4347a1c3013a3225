import { expect, it } from 'vitest'
import { forgetOldCounts } from '#domain/limits/retention.ts'
import { openDatabase } from '#platform/database/client.ts'
import { createTestDatabase } from '#test/support/server.ts'

it('forgets counts whose window is over, and no others', async () => {
  const test = await createTestDatabase()
  const database = openDatabase({ url: test.url, poolSize: 2, onError: () => undefined })
  await test.query(`INSERT INTO rate_limit SELECT 'old' || n, 1, 1000 FROM generate_series(1, 2500) AS n`)
  await test.query(
    `INSERT INTO rate_limit VALUES ('new', 1, extract(epoch FROM now()) * 1000 + 60000), ('kept', 1, NULL)`,
  )
  await forgetOldCounts(database)
  expect(await test.query('SELECT key FROM rate_limit ORDER BY key')).toEqual([{ key: 'kept' }, { key: 'new' }])
  await database.close()
  await test.drop()
})
