import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listTopics } from '#docs/topics.ts'
import packageJson from '#package.json' with { type: 'json' }
import { freePort } from '#platform/system/free-port.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'

const base = '/tools/signalbox'
const topics = listTopics().flatMap((group) => group.topics)

let server: TestServer
let origin: string
beforeAll(async () => {
  const port = String(await freePort())
  origin = `http://127.0.0.1:${port}`
  server = await startTestServer({ env: { PORT: port, PUBLIC_URL: `${origin}${base}`, RATE_LIMIT_ADDRESS: '0' } })
})
afterAll(() => server.close())

/** What a browser gets at an address below `PUBLIC_URL`, whose path a proxy takes away. */
async function get(path: string, init: RequestInit = {}) {
  const answer = await fetch(`${origin}${path.replace(base, '')}`, init)
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

const targetsOf = (html: string) =>
  [...html.matchAll(/ (?:href|src|data-home)="([^"]*)"/g)].map(([, target = '']) => target)

describe('/docs', () => {
  it('lists every topic, is linked from the start page, and needs no token', async () => {
    const index = await get('/docs')
    expect(index.status).toBe(200)
    for (const { name, title } of topics) expect(index.text).toContain(`<a href="${base}/docs/${name}">${title}</a>`)
    expect((await get('/')).text).toContain('href="docs"')
    expect((await get('/docs/')).text).toBe(index.text)
  })

  it.each(topics)('has the page $name, whose links lead somewhere', async ({ name, title }) => {
    const { status, headers, text } = await get(`/docs/${name}`)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(text).toContain(`<h1>${title}</h1>`)
    expect(text).toContain(`<footer>Signalbox ${packageJson.version}</footer>`)
    const ids = [...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(ids).toEqual([...new Set(ids)])
    for (const target of targetsOf(text)) {
      if (/^(data:|https:)/.test(target)) continue
      if (target.startsWith('#')) expect(ids).toContain(target.slice(1))
      else expect(target).toMatch(new RegExp(`^${base}(/$|/docs)`))
    }
  })

  it('loads nothing from elsewhere, and runs no script but its own file', async () => {
    const { headers, text } = await get('/docs/tasks')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe')
    const loaded = [...text.matchAll(/<(?:script|link)\b[^>]* (?:src|href)="([^"]*)"/g)].map(
      ([, target = '']) => target,
    )
    for (const target of loaded.filter((one) => !one.startsWith('data:'))) {
      expect(target).toMatch(new RegExp(`^${base}/docs/assets/`))
      const asset = await get(target)
      expect([target, asset.status, asset.headers.get('cache-control')]).toEqual([
        target,
        200,
        'public, max-age=31536000, immutable',
      ])
    }
    expect(text).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/)
  })

  it('has what its search looks at: every section, with the words of its tables', async () => {
    const { text } = await get('/docs/assets/search.json')
    const sections = JSON.parse(text) as { id: string; page: string; title: string; text: string }[]
    expect(new Set(sections.map(({ id }) => id)).size).toBe(sections.length)
    expect(new Set(sections.map(({ page }) => page)).size).toBe(topics.length)
    const found = sections.find(({ text: words }) => words.includes('WATCHDOG_TIMEOUT_MS') && words.includes('30000'))
    expect(found).toMatchObject({ id: 'environment#processes-and-workers', page: 'Environment variables' })
    expect(text).not.toContain('<!--')
    expect((await get('/docs/assets/minisearch.js')).text).toContain('export')
  })

  it('answers 304 for a page that has not changed, and HEAD without a body', async () => {
    const { headers } = await get('/docs/audit')
    const again = await get('/docs/audit', { headers: { 'if-none-match': headers.get('etag') ?? '' } })
    expect([again.status, again.text]).toEqual([304, ''])
    const head = await get('/docs/audit', { method: 'HEAD' })
    expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', headers.get('etag')])
  })

  it.each(['/docs/nothing', '/docs/tasks/more', '/docs/assets/nothing', '/docs/..%2Fquickstart', '/docs/__proto__'])(
    'has no page %s',
    async (path) => {
      const { status, text } = await get(path)
      expect(status).toBe(404)
      expect(text).toContain('There is no such page.')
    },
  )

  it('refuses other methods', async () => {
    const { status, headers } = await get('/docs', { method: 'POST', body: 'x' })
    expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })
})
