import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabaseBefore } from '#test/support/migrations.ts'

let database: Awaited<ReturnType<typeof createDatabaseBefore>>
beforeAll(async () => {
  database = await createDatabaseBefore('20261129130000_principals')
})
afterAll(() => database.drop())

const idOf = (digit: number) => `00000000-0000-7000-8000-00000000000${digit}`
const account = idOf(9)
const [first, second, third, lone, user] = [1, 2, 3, 4, 5].map(idOf) as [string, string, string, string, string]
const actor = (id: string, kind = 'application') => `{"kind": "${kind}", "id": "${id}", "name": "x"}`
const origin = '{"requestId": "x", "address": "127.0.0.1", "scopes": []}'

const token = (id: string, successor?: string) => `
  INSERT INTO application_token (account_id, id, name, hash, role, scopes, expires_at, created_by, successor_id)
  VALUES ('${account}', '${id}', 'x', '${id}', 'APPLICATION', '{}', now(), '{}', ${successor ? `'${successor}'` : 'NULL'})`

/** One transaction that was asked for under a key, and another one's entry at nearly the same time. */
const keyed = (key: string, id: string, kind?: string) => `
  BEGIN;
  INSERT INTO idempotent_request (account_id, key, request_hash, outcome) VALUES ('${account}', '${key}', 'x', 'y');
  INSERT INTO journal (account_id, type, subject, actor, data, origin)
  VALUES ('${account}', 'entry.expired', 'entry:x', '${actor('system', 'system')}', '{}', NULL),
    ('${account}', 'entry.set', 'entry:x', '${actor(id, kind)}', '{}', '${origin}');
  COMMIT`

const task = (id: string, key: string | undefined, by: string) => `
  INSERT INTO task (account_id, id, type, priority, status, input, idempotency_key, timeout_ms, lock_ms, retry, created_by, run_at, job_id)
  VALUES ('${account}', '${id}', 'x', 'NORMAL', 'PENDING', '{}', ${key ? `'${key}'` : 'NULL'}, 1, 1, '{}', '${by}', now(), '${id}')`

describe('the migration to principals', () => {
  it('carries over whose keys, locks and rotated tokens there are', async () => {
    const statements = [
      `INSERT INTO account (id, name) VALUES ('${account}', 'main')`,
      "CREATE TABLE journal_days.all_days PARTITION OF journal FOR VALUES FROM ('-infinity') TO ('infinity')",
      token(first, second),
      token(second, third),
      token(third),
      token(lone),
      keyed('of a token', lone),
      keyed('of a successor', third),
      keyed('of a person', user, 'user'),
      `INSERT INTO idempotent_request (account_id, key, request_hash, outcome, created_at)
       VALUES ('${account}', 'of nobody known', 'x', 'y', now() - interval '1 hour')`,
      task(idOf(1), 'k', actor(second)),
      task(idOf(2), 'l', actor('hook:github', 'system')),
      task(idOf(3), undefined, actor(lone)),
      `INSERT INTO lock (account_id, name, fence, holder, acquired_at, expires_at)
       VALUES ('${account}', 'a', 1, '${actor(third)}', now(), now()), ('${account}', 'b', 2, '${actor(user, 'user')}', now(), now())`,
      `INSERT INTO lock_waiter (account_id, name, id, by, ttl_ms, queued_at, until, seen_at)
       VALUES ('${account}', 'a', '${idOf(1)}', '${actor(second)}', 1000, now(), now(), now())`,
    ]
    for (const statement of statements) await database.query(statement)
    await database.migrate()
    expect(await database.query('SELECT id, lineage_id AS lineage FROM application_token ORDER BY id')).toEqual([
      { id: first, lineage: null },
      { id: second, lineage: first },
      { id: third, lineage: first },
      { id: lone, lineage: null },
    ])
    const owners = (query: string) => database.query(query)
    expect(await owners('SELECT key, principal_id AS of FROM idempotent_request ORDER BY key')).toEqual([
      { key: 'of a person', of: user },
      { key: 'of a successor', of: first },
      { key: 'of a token', of: lone },
    ])
    expect(await owners('SELECT idempotency_key AS key, principal_id AS of FROM task ORDER BY id')).toEqual([
      { key: 'k', of: first },
      { key: 'l', of: 'hook:github' },
      { key: null, of: null },
    ])
    expect(await owners('SELECT name, principal_id AS of FROM lock ORDER BY name')).toEqual([
      { name: 'a', of: first },
      { name: 'b', of: user },
    ])
    expect(await owners('SELECT principal_id AS of FROM lock_waiter')).toEqual([{ of: first }])
  })
})
