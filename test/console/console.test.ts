import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphqlData } from '#test/support/graphql.ts'
import { addPerson, password } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { consoleViews } from '#transport/pages/console/console-paths.ts'
import { expectAccessible, noBrowser, signIn, TestBrowser, type TestPage } from './browser.ts'

const env = { LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '0', INSTANCE_NAME: 'a test', INSTANCE_COLOR: '#2a9d8f' }

describe.skipIf(noBrowser !== undefined)(`the console${noBrowser === undefined ? '' : ` (${noBrowser})`}`, () => {
  let server: TestServer
  let browser: TestBrowser
  beforeAll(async () => {
    browser = await TestBrowser.open()
    server = await startTestServer({ env })
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  /** A page that is signed in as the owner. */
  async function openConsole(path = '/', options = {}): Promise<TestPage> {
    const opened = await browser.page(server.url, options)
    await signIn(opened.page, server.token, path)
    return opened
  }

  it('asks who is there, signs in by password, keeps the address, and signs out', async () => {
    const email = await addPerson(server)
    const { page, faults, close } = await browser.page(server.url)
    await page.goto('/tasks?status=FAILED')
    await page.getByLabel('Application token').waitFor()
    await expectAccessible(page)
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    expect(new URL(page.url()).search).toBe('?status=FAILED')
    expect(await page.evaluate(() => document.cookie)).toBe('')
    expect(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).not.toMatch(/sb[bxr]_/)
    // What a member may not see is not offered.
    const links = await page.getByRole('navigation', { name: 'Main' }).getByRole('link').allTextContents()
    expect(links).toEqual(expect.arrayContaining(['Overview', 'Tasks', 'Submit']))
    expect(links).not.toContain('Audit')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Application token').waitFor()
    expect(faults.filter((fault) => !fault.includes('401'))).toEqual([])
    await close()
  })

  it('submits a task by the form of its type, shows it live to its end, and cancels another', async () => {
    const { page, faults, close } = await openConsole('/submit')
    await page.getByRole('link', { name: 'probe' }).click()
    await page.getByLabel('durationMs').fill('-1')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('INVALID').or(page.getByRole('alert')).first().waitFor()
    expect(await page.getByLabel('durationMs').getAttribute('aria-invalid')).toBe('true')
    await page.getByLabel('durationMs').fill('5000')
    await page.getByLabel('steps').fill('3')
    await page.getByLabel('Labels').fill('pipeline=shop')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('step 1 of 3').waitFor()
    await page.getByText('Completed').waitFor()
    await page.getByText('pipeline: shop').waitFor()
    await page.getByRole('heading', { name: 'Result' }).waitFor()
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Run again with changes' }).click()
    await page.getByLabel('durationMs').fill('600000')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('Running', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByLabel('Reason').fill('it was a test')
    await page.getByRole('button', { name: 'Cancel task' }).click()
    await page.getByText('it was a test').waitFor()
    await page.getByRole('button', { name: 'Retry' }).waitFor()
    expect(faults).toEqual([])
    await close()
  })

  it('goes on by itself, without a gap, after the server was away', async () => {
    const { page, close } = await openConsole('/tasks')
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await page.context().setOffline(true)
    await page.evaluate(() => window.dispatchEvent(new Event('offline')))
    const query = 'mutation { submitTask(input: { type: "probe", labels: { seen: "later" } }) { __typename } }'
    await graphqlData(server, query)
    await page.context().setOffline(false)
    await page.getByText('seen: later').waitFor()
    await close()
  })

  it('finds views by keyboard, and moves the focus to the page', async () => {
    const { page, faults, close } = await openConsole('/overview')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Find' }).fill('tas')
    await expectAccessible(page)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('main')
    expect(faults).toEqual([])
    await close()
  })

  it('is accessible on every view, in both themes', async () => {
    const { page, faults, close } = await openConsole('/')
    for (const link of await page.getByRole('navigation', { name: 'Main' }).getByRole('link').all()) {
      await page.emulateMedia({ colorScheme: 'light' })
      const title = (await link.textContent()) ?? ''
      await link.click()
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
      await page.getByText('Loading…').first().waitFor({ state: 'detached' })
      await expectAccessible(page)
      await page.emulateMedia({ colorScheme: 'dark' })
      await expectAccessible(page, ['color-contrast'])
    }
    expect(faults).toEqual([])
    await close()
  }, 120_000)

  it('needs no sideways scrolling on a phone', async () => {
    const { page, faults, close } = await openConsole('/', { viewport: { width: 320, height: 640 } })
    for (const view of consoleViews.filter((name) => name !== 'sign-in')) {
      await page.goto(`/${view}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      const width = await page.evaluate(() => document.documentElement.scrollWidth)
      expect({ view, width }).toEqual({ view, width: 320 })
    }
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Tasks' }).click()
    await page.getByRole('heading', { level: 1, name: 'Tasks' }).waitFor()
    expect(faults).toEqual([])
    await close()
  }, 60_000)

  it('is served with its files cached for good, its page never, and no file in place of another', async () => {
    const response = await fetch(`${server.url}/tasks/anything`, { headers: { accept: 'text/html' } })
    const html = await response.text()
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; (?!.*unsafe)/)
    const [, script = ''] = /src="\.\/(assets\/[^"]+\.js)"/.exec(html) ?? []
    const asset = await fetch(`${server.url}/${script}`)
    expect(asset.headers.get('cache-control')).toContain('immutable')
    expect((await fetch(`${server.url}/assets/older-1234.js`)).status).toBe(404)
    expect((await fetch(`${server.url}/tasks`, { headers: { accept: 'application/json' } })).status).toBe(404)
  })
})
