import { createHash, randomUUID } from 'node:crypto'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '#platform/database/migrate.ts'
import type { EmbeddedDatabase } from '#platform/embedded/embedded-database.ts'
import { log, makeDirectory, query, removeDirectory, startIn } from '#test/support/embedded.ts'

const own = join(import.meta.dirname, '../../../prisma/migrations')

let directory: string
let server: EmbeddedDatabase
beforeAll(async () => {
  directory = await makeDirectory()
  server = await startIn(directory)
})
afterAll(async () => {
  await server.stop()
  await removeDirectory(directory)
})

let count = 0

/** A database as releases had it before a migration, with what a script puts there, brought up to date. */
async function upgraded(before: string, script: string): Promise<string> {
  count += 1
  const migrationsDir = join(directory, `migrations${count}`)
  await query(server.url, `CREATE DATABASE carried${count}`)
  const databaseUrl = Object.assign(new URL(server.url), { pathname: `/carried${count}` }).href
  for (const name of await readdir(own))
    if (name < before) await cp(join(own, name), join(migrationsDir, name), { recursive: true })
  await migrate({ databaseUrl, log, migrationsDir })
  await query(databaseUrl, script)
  await migrate({ databaseUrl, log })
  return databaseUrl
}

const [account, person, session] = [randomUUID(), randomUUID(), randomUUID()]
const placeOf = (place: string) => createHash('sha256').update(`${person} ${place}`).digest('hex')

describe('an upgrade', () => {
  it('rewrites addresses, and knows people where they are signed in', async () => {
    const signedIn = (id: string, address: string, age: string) =>
      `INSERT INTO session (account_id, id, user_id, method, address, last_used_at, expires_at)
       VALUES ('${account}', '${id}', '${person}', 'password', '${address}', now() - interval '${age}', now());`
    const databaseUrl = await upgraded(
      '20261129120000_plain_addresses',
      `INSERT INTO account (id, name) VALUES ('${account}', 'main');
       INSERT INTO users (account_id, id, email, first_name, last_name, role)
       VALUES ('${account}', '${person}', 'ada@example.com', '', '', 'MEMBER');
       ${signedIn(session, '::ffff:203.0.113.7', '1 day')}
       ${signedIn(randomUUID(), '2001:db8:1:2:3::4', '2 days')}
       ${signedIn(randomUUID(), '203.0.113.8', '100 days')}
       ${signedIn(randomUUID(), '', '1 day')}
       INSERT INTO application_token
         (account_id, id, name, hash, role, expires_at, created_by, last_used_address, addresses)
       VALUES ('${account}', '${randomUUID()}', 'one', 'x', 'APPLICATION', now(), '{}', '::ffff:203.0.113.7',
         '{::ffff:203.0.113.7,2001:db8::1,203.0.113.7,::ffff:203.0.113.9}');`,
    )
    expect(await query(databaseUrl, `SELECT address FROM session WHERE id = '${session}'`)).toEqual([
      { address: '203.0.113.7' },
    ])
    expect(await query(databaseUrl, 'SELECT last_used_address, addresses FROM application_token')).toEqual([
      { last_used_address: '203.0.113.7', addresses: ['203.0.113.7', '2001:db8::1', '203.0.113.9'] },
    ])
    const known = `SELECT encode(place_hash, 'hex') AS hash FROM sign_in_place`
    expect((await query(databaseUrl, known)).map(({ hash }) => hash).sort()).toEqual(
      ['203.0.113.7', '2001:db8:1:2::/64'].map(placeOf).sort(),
    )
  })

  it('keeps e-mail addresses and the people of a provider, and takes the address in another account', async () => {
    const databaseUrl = await upgraded(
      '20261129123000_email_per_account',
      `INSERT INTO account (id, name) VALUES ('${account}', 'main');
       INSERT INTO users (account_id, id, email, first_name, last_name, role)
       VALUES ('${account}', '${person}', 'ada@example.com', '', '', 'MEMBER');
       INSERT INTO identity (issuer, subject, account_id, user_id) VALUES ('i', 's', '${account}', '${person}');`,
    )
    expect(await query(databaseUrl, 'SELECT issuer, subject, user_id FROM identity')).toEqual([
      { issuer: 'i', subject: 's', user_id: person },
    ])
    const again = (accountId: string) =>
      query(
        databaseUrl,
        `INSERT INTO users (account_id, id, email, first_name, last_name, role)
         VALUES ('${accountId}', '${randomUUID()}', 'ada@example.com', '', '', 'MEMBER')`,
      )
    await again(randomUUID())
    await expect(again(account)).rejects.toThrow('duplicate key')
  })
})
