import { createRequire } from 'node:module'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { expect } from 'vitest'
import { buildConsole } from '#src/bundle/build-console.ts'
import { chromiumPath } from './chromium.ts'

const require = createRequire(import.meta.url)

/** Why tests that need a browser are skipped; undefined when there is one. */
export const noBrowser = chromiumPath === undefined ? 'no Chromium is installed; set CHROMIUM to its path' : undefined

/** What a page has done that it must not: errors, violations of its policy, and requests to other origins. */
type Faults = readonly string[]

/** A browser with the console as it is built from these sources. */
export class TestBrowser {
  readonly #browser: Browser

  constructor(browser: Browser) {
    this.#browser = browser
  }

  static async open(): Promise<TestBrowser> {
    const { chromium } = await import('playwright-core')
    const [browser] = await Promise.all([
      chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox', '--disable-gpu'] }),
      buildConsole(),
    ])
    return new TestBrowser(browser)
  }

  close(): Promise<void> {
    return this.#browser.close()
  }

  /** A page of a browser that has never been here, and what it does wrong. */
  async page(origin: string, options: BrowserContextOptions = {}): Promise<TestPage> {
    const context = await this.#browser.newContext({ baseURL: origin, ...options })
    return watchPage(context, await context.newPage(), origin)
  }
}

export interface TestPage {
  readonly page: Page
  readonly faults: Faults
  close(): Promise<void>
}

async function watchPage(context: BrowserContext, page: Page, origin: string): Promise<TestPage> {
  const faults: string[] = []
  page.setDefaultTimeout(15_000)
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('request', (request) => {
    const url = request.url().replace(/^ws/, 'http')
    if (!url.startsWith(origin) && !/^(data|blob):/.test(url)) faults.push(`request to ${request.url()}`)
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      // biome-ignore lint/suspicious/noConsole: where the faults of the page are gathered
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`),
    )
  })
  return { page, faults, close: () => context.close() }
}

/** Signs in with an application token, and waits for the shell. */
export async function signIn(page: Page, token: string, path = '/'): Promise<void> {
  await page.goto(path)
  await page.getByLabel('Application token').fill(token)
  await page.getByRole('button', { name: 'Sign in with token' }).click()
  await page.locator('#main').waitFor()
}

interface AxeResult {
  readonly id: string
  readonly nodes: readonly { readonly html: string }[]
}

/** Checks the page as it is for what people with disabilities would stumble over; all rules, unless some are named. */
export async function expectAccessible(page: Page, rules?: readonly string[]): Promise<void> {
  // By the debugger's door: the policy of the page lets no script of others in.
  const isThere = await page.evaluate('"axe" in window')
  if (!isThere) await page.evaluate(require('axe-core').source as string)
  const options = JSON.stringify(rules === undefined ? {} : { runOnly: rules })
  const run = `axe.run(${options}).then((results) => results.violations)`
  const found = (await page.evaluate(run)) as readonly AxeResult[]
  expect(found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`)).toEqual([])
}
