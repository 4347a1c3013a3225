import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabaseBefore } from '#test/support/migrations.ts'

let database: Awaited<ReturnType<typeof createDatabaseBefore>>
beforeAll(async () => {
  database = await createDatabaseBefore('20261205100000_task_attempts')
})
afterAll(() => database.drop())

const account = '00000000-0000-7000-8000-000000000009'
const task = '00000000-0000-7000-8000-000000000001'
const attempt = (number: number, code: string | null) => ({
  number,
  startedAt: `2026-01-01T00:00:0${number}.000Z`,
  finishedAt: `2026-01-01T00:00:0${number}.500Z`,
  error: code && { code, message: 'x', retryable: true },
})

describe('the migration to attempts of their own', () => {
  it('carries over what was in the row of the task, once', async () => {
    const past = [attempt(1, 'WORKER_LOST'), attempt(2, 'TIMEOUT'), attempt(2, 'TIMEOUT'), attempt(3, null)]
    await database.query(`INSERT INTO account (id, name) VALUES ('${account}', 'main')`)
    await database.query(
      `INSERT INTO task (account_id, id, type, priority, status, input, timeout_ms, lock_ms, retry, created_by, run_at, job_id, past_attempts)
       VALUES ('${account}', '${task}', 'x', 'NORMAL', 'PENDING', '{}', 1, 1, '{}', '{}', now(), '${task}', '${JSON.stringify(past)}')`,
    )
    await database.migrate()
    const rows = await database.query(
      `SELECT number, status, worker_id, started_at = '2026-01-01T00:00:00Z'::timestamptz + number * interval '1 second' AS started,
              error->>'code' AS code FROM task_attempt ORDER BY number`,
    )
    expect(rows).toEqual([
      { number: 1, status: 'LOST', worker_id: null, started: true, code: 'WORKER_LOST' },
      { number: 2, status: 'FAILED', worker_id: null, started: true, code: 'TIMEOUT' },
      { number: 3, status: 'FAILED', worker_id: null, started: true, code: null },
    ])
  })
})
