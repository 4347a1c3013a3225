import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { run } from '#test/support/command-line.ts'
import { secretKey, type TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { ownAccount } from '#test/support/tokens.ts'

let server: TestServer
let directory: string
beforeAll(async () => {
  server = await sharedServer()
  directory = await mkdtemp(join(tmpdir(), 'signalbox-secret-'))
})
afterAll(async () => {
  await server.close()
  await rm(directory, { recursive: true, force: true })
})

const signalbox = (args: readonly string[], input = '') =>
  run(args, { env: { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }, input })

/** What an attempt would get. */
async function storedValue(name: string): Promise<string | undefined> {
  const query = 'SELECT value FROM secret WHERE account_id = $1 AND name = $2'
  const [row] = await server.database.query<{ value: string }>(query, [await ownAccount(server), name])
  return row && new SecretBox(Buffer.from(secretKey, 'base64')).open(row.value)
}

describe('secret', () => {
  it('sets values from standard input and files, lists names, and removes', async () => {
    expect(await signalbox(['secret', 'list'])).toMatchObject({ code: 0, stdout: '', stderr: 'No secrets.\n' })
    const set = await signalbox(['secret', 'set', 'NPM_TOKEN'], 'first value\n')
    expect(set).toMatchObject({ code: 0, stdout: '', stderr: 'The secret NPM_TOKEN was created.\n' })
    expect(await storedValue('NPM_TOKEN')).toBe('first value')
    const file = join(directory, 'key')
    await writeFile(file, 'line 1\nline 2\n')
    expect((await signalbox(['secret', 'set', 'NPM_TOKEN', '--file', file])).stderr).toBe(
      'The secret NPM_TOKEN has a new value.\n',
    )
    expect(await storedValue('NPM_TOKEN')).toBe('line 1\nline 2\n')
    const { stdout } = await signalbox(['secret', 'list'])
    expect(stdout).toMatch(/^NAME +SET +BY +LAST USED\nNPM_TOKEN .* never\n$/)
    expect((await signalbox(['secret', 'remove', 'NPM_TOKEN'])).stderr).toBe('The secret NPM_TOKEN was deleted.\n')
    expect(await storedValue('NPM_TOKEN')).toBeUndefined()
    expect(await signalbox(['secret', 'remove', 'NPM_TOKEN'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('There is no secret "NPM_TOKEN".'),
    })
  })

  it('takes no value as an argument, none that is empty, and no name that is not one', async () => {
    expect(await signalbox(['secret', 'set', 'A_NAME', 'a value'])).toMatchObject({ code: 2 })
    expect(await signalbox(['secret', 'set', 'A_NAME'], '\n')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('The value of A_NAME is empty.'),
    })
    expect(await signalbox(['secret', 'set', 'a-name'], 'a value')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('name: must be 1 to 64 upper-case letters'),
    })
    expect(await storedValue('A_NAME')).toBeUndefined()
  })
})
