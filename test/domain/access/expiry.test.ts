import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '#test/support/command-line.ts'
import { toldEvents } from '#test/support/events.ts'
import { addPerson } from '#test/support/people.ts'
import { startServerProcess } from '#test/support/process.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

/** Moves the whole life of a token, so that it ends in so many days. */
async function endsIn(name: string, days: number, more = ''): Promise<void> {
  await server.database.query(
    `UPDATE application_token SET created_at = now() - interval '300 days',
     expires_at = now() + $2 * interval '1 day' ${more} WHERE name = $1`,
    [name, days],
  )
}

async function doctor(): Promise<{ status: string; message: string } | undefined> {
  const env = { DATABASE_URL: server.database.url, DATA_DIR: server.dataDir, PORT: '0' }
  const { stdout } = await run(['doctor', '--json'], { env })
  const { findings } = JSON.parse(stdout) as { findings: { check: string; status: string; message: string }[] }
  return findings.find(({ check }) => check === 'credentials')
}

const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

describe('credentials that end soon', () => {
  it('are nothing to speak of while the last one lasts longer', async () => {
    expect(await doctor()).toMatchObject({ status: 'ok' })
  })

  it('are reported by the doctor, at a start and as an event', async () => {
    await endsIn('owner', 5)
    const locked = `From ${day(5)} on nobody can administer the account main`
    expect(await doctor()).toMatchObject({ status: 'warning', message: expect.stringContaining(locked) })
    const other = await startServerProcess({ dataDir: server.dataDir, databaseUrl: server.database.url })
    await until(() => new RegExp(`^warning +${locked}`, 'm').test(other.output()))
    await other.end('SIGTERM')
    const [event, ...more] = await toldEvents(server, ['auth.token_expiring'], () => true)
    expect([event?.data['name'], more]).toEqual(['owner', []])
  })

  it('are no matter for the account once an owner can sign in', async () => {
    await addPerson(server, 'OWNER')
    expect((await doctor())?.message).not.toContain('nobody can administer')
  })

  it('are reported for tokens in use, and not for those with a shorter lifetime', async () => {
    const { id } = await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:read'] })
    await server.database.query("UPDATE application_token SET name = 'idle' WHERE id = $1", [id])
    await endsIn('idle', 3)
    const used = await addToken(server, { accountId: await ownAccount(server), scopes: ['tasks:read'] })
    await server.database.query("UPDATE application_token SET name = 'busy' WHERE id = $1", [used.id])
    await endsIn('busy', 4, ', last_used_at = now()')
    await endsIn('owner', 200)
    expect((await doctor())?.message).toBe(
      `Application tokens in use that end within 14 days, 1: busy (${day(4)}). Rotate them.`,
    )
  })

  it('are a problem once nobody is left', async () => {
    await server.database.query("UPDATE users SET role = 'MEMBER'")
    await server.database.query('UPDATE application_token SET revoked_at = now()')
    expect(await doctor()).toMatchObject({
      status: 'problem',
      message: expect.stringContaining('Nobody can administer the account main'),
    })
  })
})
