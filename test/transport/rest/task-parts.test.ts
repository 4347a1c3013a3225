import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOf, gate, type RestClient } from '#test/support/rest.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { until } from '#test/support/until.ts'

const chunkBytes = 256 * 1024
const long = Buffer.concat([0, 1, 2, 3, 4].map((number) => Buffer.alloc(chunkBytes, `chunk ${number};`)))

let server: TestServer
let rest: RestClient
let parts: string
const held = gate()
beforeAll(async () => {
  server = await sharedServer()
  rest = clientOf(server)
  const id = await rest.submit('writes', { until: held.until })
  parts = `/api/tasks/${id}/result/parts`
  await until(async () => (await listed()).some(({ name }) => name === 'grows'))
})
afterAll(() => server.close())

interface Part {
  readonly name: string
  readonly sizeBytes: number
  readonly complete: boolean
  readonly href: string
}

async function listed(): Promise<Part[]> {
  return (await rest.ask<Part[]>(`GET ${parts}`)).body
}

async function download(name: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await rest.send(`${method} ${parts}/${encodeURIComponent(name)}`, { headers })
  return { response, bytes: Buffer.from(await response.arrayBuffer()) }
}

describe('the list of parts', () => {
  it('has every part with where its bytes are, while the task runs', async () => {
    const list = await listed()
    expect(list.map(({ name }) => name)).toEqual([
      'notes',
      'page.html',
      'drawing',
      'odd',
      'a/b ü',
      'empty',
      'long',
      'grows',
    ])
    expect(list[0]).toEqual({
      name: 'notes',
      contentType: 'text/plain; charset=utf-8',
      sizeBytes: 5,
      complete: true,
      sha256: createHash('sha256').update('hello').digest('hex'),
      createdAt: expect.stringMatching(/Z$/),
      href: `${parts}/notes`,
    })
    const odd = list.find(({ name }) => name === 'a/b ü')
    const response = await rest.send(`GET ${odd?.href}`)
    expect(await response.text()).toBe('slash')
    expect(response.headers.get('content-disposition')).toBe("inline; filename*=UTF-8''a%2Fb%20%C3%BC")
  })
})

describe('a part', () => {
  it('comes as it was stored', async () => {
    const { response, bytes } = await download('long')
    expect(response.status).toBe(200)
    expect(bytes.equals(long)).toBe(true)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/zip',
      'content-length': String(long.length),
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
    })
  })

  it.each([
    ['bytes=0-9', 0, 10],
    ['bytes=262140-262150', 262_140, 262_151],
    ['bytes=1310000-', 1_310_000, long.length],
    ['bytes=-7', long.length - 7, long.length],
    ['bytes=1310000-99999999', 1_310_000, long.length],
  ])('comes in one range: %s', async (range, start, end) => {
    const { response, bytes } = await download('long', { range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${long.length}`)
    expect(bytes.equals(long.subarray(start, end))).toBe(true)
  })

  it.each(['bytes=0-1,5-6', 'lines=0-1', 'bytes=9-3', 'bytes=x-'])('comes whole for %s', async (range) => {
    expect((await download('notes', { range })).response.status).toBe(200)
  })

  it('has its SHA-256 as ETag, for If-Range and If-None-Match', async () => {
    const etag = `"${createHash('sha256').update(long).digest('hex')}"`
    expect((await download('long')).response.headers.get('etag')).toBe(etag)
    const ranged = await download('long', { range: 'bytes=0-1', 'if-range': etag })
    expect(ranged.response.status).toBe(206)
    expect(ranged.response.headers.get('etag')).toBe(etag)
    for (const other of ['"x"', `W/${etag}`, 'Tue, 01 Dec 2026 00:00:00 GMT'])
      expect((await download('long', { range: 'bytes=0-1', 'if-range': other })).response.status).toBe(200)
    const unchanged = await download('long', { 'if-none-match': `"x", W/${etag}` })
    expect(unchanged.response.status).toBe(304)
    expect(unchanged.bytes).toHaveLength(0)
    expect((await download('long', { 'if-none-match': '"x"' })).response.status).toBe(200)
  })

  it('has no ETag and no hash while it is being written', async () => {
    expect((await download('grows')).response.headers.get('etag')).toBeNull()
    expect((await listed()).find(({ name }) => name === 'grows')).toMatchObject({ complete: false, sha256: null })
    expect((await download('grows', { range: 'bytes=0-1', 'if-range': '"x"' })).response.status).toBe(200)
  })

  it('is dropped when its stream breaks', async () => {
    const id = await rest.submit('breaks', {})
    await until(async () => (await rest.ask(`GET /api/tasks/${id}/status`)).body['status'] === 'failed')
    expect((await rest.ask(`GET /api/tasks/${id}/result/parts`)).body).toMatchObject([
      { name: 'whole', complete: true },
    ])
  })

  it.each([
    ['notes', 'bytes=5-', 'bytes */5'],
    ['empty', 'bytes=0-', 'bytes */0'],
    ['empty', 'bytes=-1', 'bytes */0'],
  ])('has nothing behind its end: %s, %s', async (name, range, contentRange) => {
    const { response } = await download(name, { range })
    expect(response.status).toBe(416)
    expect(response.headers.get('content-range')).toBe(contentRange)
  })

  it('comes empty when it is empty', async () => {
    const { response, bytes } = await download('empty')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe('0')
    expect(bytes).toHaveLength(0)
  })

  it('tells its size to HEAD, whatever range is asked for', async () => {
    const { response, bytes } = await download('long', { range: 'bytes=0-9' }, 'HEAD')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(long.length))
    expect(bytes).toHaveLength(0)
  })

  it.each(['page.html', 'drawing', 'odd'])('is a file when a browser could run it: %s', async (name) => {
    const { response } = await download(name)
    expect(response.headers.get('content-disposition')).toMatch(/^attachment;/)
    expect(response.headers.get('content-security-policy')).toContain('sandbox')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('has no media type of its own when what was stored is none', async () => {
    expect((await download('odd')).response.headers.get('content-type')).toBe('application/octet-stream')
  })

  it('is not found under another name', async () => {
    expect((await download('nothing')).response.status).toBe(404)
    expect((await rest.send(`GET ${parts}/no%00thing`)).status).toBe(404)
  })

  it('survives a client that goes away in the middle', async () => {
    await new Promise<void>((resolve) => {
      const headers = { authorization: `Bearer ${server.token}` }
      const call = request(`${server.url}${parts}/long`, { headers }, (response) => {
        response.once('readable', () => {
          call.destroy()
          resolve()
        })
      })
      call.on('error', () => undefined).end()
    })
    expect((await download('notes')).bytes.toString()).toBe('hello')
  })

  it('can be read as far as it is written, and then on from there', async () => {
    const sofar = await download('grows')
    expect(sofar.bytes).toHaveLength(chunkBytes)
    const first = await download('grows', { range: 'bytes=0-3' })
    expect(first.response.headers.get('content-range')).toBe('bytes 0-3/*')
    const range = `bytes=${chunkBytes}-`
    expect((await download('grows', { range })).response.status).toBe(416)
    held.release()
    await until(async () => (await listed()).find(({ name }) => name === 'grows')?.complete === true)
    const rest = await download('grows', { range })
    expect(rest.response.headers.get('content-range')).toBe(`bytes ${chunkBytes}-${chunkBytes + 6}/${chunkBytes + 7}`)
    expect(rest.bytes.toString()).toBe('the end')
  })
})
