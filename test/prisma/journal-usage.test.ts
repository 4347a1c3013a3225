import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabaseBefore } from '#test/support/migrations.ts'

let database: Awaited<ReturnType<typeof createDatabaseBefore>>
beforeAll(async () => {
  database = await createDatabaseBefore('20261129200000_journal_usage')
})
afterAll(() => database.drop())

const account = '00000000-0000-7000-8000-000000000009'
const task = '00000000-0000-7000-8000-000000000001'
const entry = (at: string, type: string, data: string) =>
  `INSERT INTO journal (account_id, at, type, subject, actor, data) VALUES ('${account}', '${at}', '${type}', 'task:${task}', '{}', '${data}')`

describe('the migration to journal usage', () => {
  it('counts what is there by days, and what is taken out of entries later', async () => {
    const labels = '{"team": "blue"}'
    for (const statement of [
      `INSERT INTO account (id, name) VALUES ('${account}', 'main')`,
      "CREATE TABLE journal_days.all_days PARTITION OF journal FOR VALUES FROM ('-infinity') TO ('infinity')",
      `INSERT INTO task (account_id, id, type, priority, status, input, labels, timeout_ms, lock_ms, retry, created_by, run_at, job_id)
       VALUES ('${account}', '${task}', 'x', 'NORMAL', 'PENDING', '{}', '${labels}', 1, 1, '{}', '{}', now(), '${task}')`,
      entry('2026-11-28T12:00:00Z', 'task.log', `{"labels": ${labels}, "log": 1}`),
      entry('2026-11-29T12:00:00Z', 'task.started', '{}'),
    ])
      await database.query(statement)
    await database.migrate()
    const subject = `task:${task}`.length
    const usage = () => database.query('SELECT day::text, bytes::int FROM journal_usage ORDER BY day')
    const before = [
      { day: '2026-11-28', bytes: `{"log": 1, "labels": ${labels}}`.length + 2 + subject },
      { day: '2026-11-29', bytes: 2 + 2 + subject },
    ]
    expect(await usage()).toEqual(before)
    await database.query(`UPDATE journal SET data = data - 'log' WHERE type = 'task.log'`)
    expect(await usage()).toEqual([
      { day: '2026-11-28', bytes: `{"labels": ${labels}}`.length + 2 + subject },
      before[1],
    ])
    await database.query('DELETE FROM task')
    const [stored] = await database.query(
      "SELECT sum(amount)::int AS bytes FROM usage_change WHERE quota = 'storedBytes'",
    )
    expect(stored).toEqual({ bytes: 0 })
  })
})
