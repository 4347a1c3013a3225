import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { records, run, start } from '#test/support/command-line.ts'
import { startReceiver } from '#test/support/receiver.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { until } from '#test/support/until.ts'
import { endedDelivery, loopbackAllowed } from '#test/support/webhooks.ts'

let server: TestServer
let env: Record<string, string>

beforeAll(async () => {
  server = await startTestServer({ env: loopbackAllowed })
  env = { SIGNALBOX_URL: server.url, SIGNALBOX_TOKEN: server.token }
})
afterAll(() => server.close())

const signalbox = (...args: string[]) => run(['webhook', ...args], { env })

interface Arrived {
  readonly id: string
  readonly verdict: string
  readonly body: { readonly type: string }
}

describe('webhook', () => {
  it('makes one that listen receives and verifies, tries it, and delivers again', async () => {
    const port = String(await freePort())
    const url = `http://127.0.0.1:${port}/hook`
    const made = await signalbox('create', 'here', url, '--events', 'cli.*', '-H', 'X-Mine: yes', '--attempts', '2')
    expect([made.code, made.stdout]).toEqual([0, expect.stringMatching(/^whsec_[A-Za-z0-9+/=]+\n$/)])
    const [, id = ''] = /Webhook ([0-9a-f-]{36}) was created: here\./.exec(made.stderr) ?? []
    const listener = start(['webhook', 'listen', '--port', port, '--secret', made.stdout.trim(), '--json'], { env })
    await listener.says('Listening at', 'stderr')
    const triggered = await signalbox('trigger', 'cli.one', '--data', '{"a":1}', '--subject', 'cli:1', '--json')
    const [deliveryId = ''] = JSON.parse(triggered.stdout).deliveryIds
    const arrived = await until(() => {
      const all = records<Arrived>(listener.stdout())
      return all.some((one) => one.id === deliveryId) && all
    })
    expect(arrived.find((one) => one.id === deliveryId)).toMatchObject({
      verdict: 'genuine',
      body: { type: 'cli.one' },
    })
    await endedDelivery(server, deliveryId)
    const tried = await signalbox('test', id, '--payload', '{"b":2}')
    expect(tried.stdout).toContain('webhook.ping is on its way')
    expect((await signalbox('redeliver', '--delivery', deliveryId)).stdout).toBe('1 delivery will be made again.\n')
    expect((await signalbox('redeliver', id, '--failed-since', '1d', '--dry-run')).stdout).toMatch(
      /deliveries would be made/,
    )
    await until(() => records<Arrived>(listener.stdout()).filter((one) => one.id === deliveryId).length === 2)
    expect((await signalbox('deliveries', id, '--types', 'cli.one')).stdout).toMatch(/DELIVERED +cli\.one/)
    expect((await signalbox('delivery', deliveryId)).stdout).toMatch(/attempt 1 .*success 204/)
    listener.child.kill('SIGINT')
    expect(await listener.ended).toBe(130)
  })

  it('lists, shows, changes and deletes', async () => {
    const made = await signalbox(
      'create',
      'other',
      'http://127.0.0.1:9/',
      '--events',
      '*',
      '--format',
      'slack',
      '--ordered',
      '--json',
    )
    expect(made.stderr).toBe('')
    const { id } = JSON.parse(made.stdout).webhook
    expect((await signalbox('list')).stdout).toMatch(new RegExp(`${id} +other +ACTIVE`))
    const changed = await signalbox('update', id, '--name', 'renamed', '--status', 'inactive', '--no-ordered')
    expect(changed.stdout).toMatch(/name +renamed\nstatus +INACTIVE/)
    const shown = JSON.parse((await signalbox('show', id, '--json')).stdout)
    expect(shown).toMatchObject({ name: 'renamed', status: 'INACTIVE', format: 'SLACK', order: 'NONE' })
    const rotated = await signalbox('rotate-secret', id, '--overlap', '1h', '--signing', 'ed25519')
    expect(rotated.stdout).toMatch(/^whpk_/)
    expect((await signalbox('delete', id)).stdout).toBe(`Webhook ${id} was deleted: renamed.\n`)
    expect((await signalbox('show', id)).code).toBe(4)
  })

  it('says what came of a test, and which webhook a delivery goes to', async () => {
    const receiver = await startReceiver()
    const made = await signalbox('create', 'tried', receiver.url, '--events', 'cli.none', '--attempts', '1', '--json')
    const { id } = JSON.parse(made.stdout).webhook
    const taken = await signalbox('test', id, '--watch')
    expect([taken.code, taken.stdout]).toEqual([0, expect.stringMatching(/^webhook\.ping: success 204, \d+ ms\n$/)])
    receiver.answer((_req, res) => res.writeHead(500).end())
    const refused = await signalbox('test', id, '--watch')
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining('server_error 500')])
    const told = await signalbox('test', id, '--watch', '--json')
    expect([told.code, JSON.parse(told.stdout)]).toMatchObject([1, { outcome: 'server_error', webhook: { id } }])
    const all = await signalbox('deliveries')
    expect(all.stdout).toMatch(/^ID +WEBHOOK +STATUS/)
    expect(all.stdout).toMatch(/ tried +FAILED +webhook\.ping/)
    expect((await signalbox('deliveries', id)).stdout).not.toContain('WEBHOOK')
    await receiver.close()
  })

  it('listen takes no body that is too large, and shows the beginning of a long one', async () => {
    const listener = start(['webhook', 'listen', '--port', '0'], { env })
    await listener.says('Listening at', 'stderr')
    const [, url = ''] = /at (\S+)/.exec(listener.stderr()) ?? []
    const post = async (bytes: number) => {
      const body = new Blob(['x'.repeat(bytes)]).stream()
      return (await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)).status
    }
    expect(await post(100_000)).toBe(204)
    await listener.says('34464 bytes more', 'stderr')
    expect(await post(5_000_000).catch(() => 413)).toBe(413)
    await listener.says('was not taken', 'stderr')
    expect(await post(3)).toBe(204)
    const { port } = new URL(url)
    const second = await signalbox('listen', '--port', port)
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('Choose another --port')])
    listener.child.kill('SIGINT')
    expect(await listener.ended).toBe(130)
  })

  it('says what is wrong', async () => {
    expect(await signalbox('redeliver')).toMatchObject({ code: 2, stderr: expect.stringContaining('--failed-since') })
    expect(await signalbox('redeliver', 'some-id')).toMatchObject({ code: 2 })
    expect(await signalbox('deliveries', 'nothing')).toMatchObject({
      code: 4,
      stderr: 'There is no webhook nothing in this account.\n',
    })
    const refused = await signalbox('create', 'bad', 'https://169.254.169.254/', '--events', 'a.b')
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('leads where nothing may be sent')])
    expect((await signalbox('create', 'bad', 'https://nowhere.invalid', '-H', 'no header')).code).toBe(2)
    expect((await signalbox('create', 'bad', 'https://nowhere.invalid', '--filter', '{')).code).toBe(2)
  })
})
