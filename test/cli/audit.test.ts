import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce, tamper } from '#test/support/audit.ts'
import { records, run } from '#test/support/command-line.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken } from '#test/support/tokens.ts'

let server: TestServer
let env: Record<string, string>
let accountId: string
let directory: string
beforeAll(async () => {
  server = await startTestServer()
  const account = await addToken(server)
  accountId = account.accountId
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: account.token }
  directory = await mkdtemp(join(tmpdir(), 'signalbox-audit-'))
  // U+2028 ends a line for some readers, not in NDJSON.
  for (const name of ['one', 'two', 'three\u2028lines', 'four'])
    await signalbox('token', 'create', name, '--scope', 'tasks:read')
  await auditEntriesOnce({ url: server.url, token: account.token }, {}, 4)
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
  await server.close()
})

function signalbox(...args: readonly string[]) {
  return run(args, { env })
}

async function exported(): Promise<string> {
  const { code, stdout } = await signalbox('audit', 'export')
  expect(code).toBe(0)
  return stdout
}

async function verifyExport(text: string) {
  const file = join(directory, 'audit.ndjson')
  await writeFile(file, text)
  // Without any server.
  return run(['audit', 'verify-export', file], { env: {} })
}

describe('audit list', () => {
  it('shows who did what, newest first', async () => {
    const { code, stdout } = await signalbox('audit', 'list')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^SEQ +AT +OUTCOME +TYPE +ACTOR +SUBJECT +ADDRESS +OPERATION\n4 /)
    expect(stdout).toMatch(
      /^1 .* SUCCEEDED +auth\.token_created +other +token:[0-9a-f-]{36} .*CreateApplicationToken$/m,
    )
  })

  it('selects', async () => {
    const { stdout } = await signalbox(
      'audit',
      'list',
      '--types',
      'auth.token_*',
      '--oldest-first',
      '--first',
      '1',
      '--json',
    )
    expect(JSON.parse(stdout)).toMatchObject({
      nodes: [{ seq: 1, data: { name: 'one' } }],
      pageInfo: { hasNextPage: true },
    })
    const { stderr } = await signalbox('audit', 'list', '--outcome', 'refused,failed')
    expect(stderr).toBe('No entries.\n')
    expect((await signalbox('audit', 'list', '--from', 'soon')).code).toBe(2)
  })
})

describe('audit export', () => {
  it('has an entry a line, which can be verified without a server', async () => {
    const text = await exported()
    expect(records(text).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    const { code, stdout } = await verifyExport(text)
    expect(stdout).toMatch(/^4 entries were checked: intact\.\nIt ends with 4:[0-9a-f]{64}\n$/)
    expect(code).toBe(0)
  })

  it('that was changed, or has lost or got an entry, is found out', async () => {
    const lines = (await exported()).trim().split('\n')
    const changed = lines.map((line) => line.replace('"name":"two"', '"name":"tw0"'))
    for (const [text, message] of [
      [changed.join('\n'), 'Entry 2 was changed: its content does not have its hash.'],
      [lines.toSpliced(1, 1).join('\n'), 'Entry 3 stands behind entry 1: entries are missing.'],
      [lines.toSpliced(2, 0, lines[1]!).join('\n'), 'Entry 2 stands behind entry 2: entries are missing.'],
    ] as const) {
      const { code, stdout } = await verifyExport(text)
      expect(stdout.split('\n')[0]).toBe(message)
      expect(code).toBe(1)
    }
    expect((await verifyExport('{"seq": "x"}')).code).toBe(2)
    expect((await run(['audit', 'verify-export', join(directory, 'none')], { env: {} })).code).toBe(4)
  })
})

describe('audit verify', () => {
  it('finds the log intact, then what was changed, with exit code 1', async () => {
    const whole = await signalbox('audit', 'verify')
    expect(whole.stdout).toMatch(/^The log is intact: 4 entries were checked\.\nIt ends with 4:[0-9a-f]{64}\n$/)
    expect(whole.code).toBe(0)
    const [, noted = ''] = /ends with (\S+)/.exec(whole.stdout) ?? []
    expect((await signalbox('audit', 'verify', '--noted', noted)).code).toBe(0)
    expect((await signalbox('audit', 'verify', '--noted', '4:abc')).code).toBe(2)
    await tamper(
      server.database,
      `UPDATE audit_entry SET actor_name = 'nobody' WHERE account_id = '${accountId}' AND seq = 2`,
      `DELETE FROM audit_entry WHERE account_id = '${accountId}' AND seq = 4`,
    )
    const { code, stdout } = await signalbox('audit', 'verify', '--noted', noted)
    expect(code).toBe(1)
    expect(stdout.split('\n').slice(0, 4)).toEqual([
      'CHANGED   Entry 2 was changed: its content does not have its hash.',
      'REMOVED   Entry 4 is missing at the end.',
      'REMOVED   Entry 4, which was noted elsewhere, is missing.',
      'The log is NOT what was written: 3 faults; 3 entries were checked.',
    ])
    const json = await signalbox('audit', 'verify', '--json')
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      checked: 3,
      faultCount: 2,
      faults: [{ kind: 'CHANGED', seq: 2 }, {}],
    })
  })
})
