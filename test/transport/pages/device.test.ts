import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '#platform/system/free-port.ts'
import { graphqlData } from '#test/support/graphql.ts'
import { Browser, startProvider, type TestProvider } from '#test/support/oidc-provider.ts'
import { addPerson, anonymously, password } from '#test/support/people.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken } from '#test/support/tokens.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

interface Begun {
  readonly deviceCode: string
  readonly userCode: string
}

const begin = (input: object = {}, at = server) =>
  anonymously<Begun>(at, 'beginDeviceSignIn', { clientName: 'a <b>bold</b> device', ...input }, 'deviceCode userCode')

const finish = ({ deviceCode }: Begun, at = server) =>
  anonymously<{ email?: string; code?: string }>(at, 'finishDeviceSignIn', { deviceCode }, 'email')

interface Page {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** A person with a browser, as far as the page goes. */
class Visitor {
  readonly browser = new Browser()
  readonly url: string
  #page: Page | undefined

  constructor(url = server.url) {
    this.url = url
  }

  async open(query = ''): Promise<Page> {
    return this.#keep(await this.browser.visit(`${this.url}/device${query}`))
  }

  /** Sends the form that has this button, with what was typed. */
  async press(button: string, typed: Record<string, string> = {}): Promise<Page> {
    const form = formsOf(this.#page?.text ?? '').find((one) => one.includes(`value="${button}"`)) ?? ''
    const body = new URLSearchParams({ ...hiddenOf(form), ...typed, do: button })
    return this.#keep(await this.browser.visit(`${this.url}/device`, { method: 'POST', body }))
  }

  async #keep({ response }: { response: Response }): Promise<Page> {
    this.#page = { status: response.status, text: await response.text(), headers: response.headers }
    return this.#page
  }
}

const formsOf = (text: string) => text.match(/<form.*?<\/form>/gs) ?? []
const hiddenOf = (form: string) =>
  Object.fromEntries(
    [...form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )

async function signedIn(query: string): Promise<{ visitor: Visitor; email: string; page: Page }> {
  const email = await addPerson(server)
  const visitor = new Visitor()
  await visitor.open(query)
  return { visitor, email, page: await visitor.press('sign-in', { email, password }) }
}

describe('the page of a device', () => {
  it('asks who, shows what asks, and signs it in', async () => {
    const begun = await begin({ scopes: ['tasks:read'] })
    const { visitor, email, page } = await signedIn(`?user_code=${begun.userCode}`)
    expect(page.status).toBe(200)
    for (const text of [begun.userCode, '<code>tasks:read</code>', '127.0.0.1', email])
      expect(page.text).toContain(text)
    expect(page.text).toContain('a &lt;b&gt;bold&lt;/b&gt; device')
    expect((await visitor.press('approve')).text).toContain('The device is signed in')
    expect(await finish(begun)).toEqual({ email })
    // Nobody stays signed in on the page, nor in the list of sessions.
    expect((await visitor.open()).text).toContain('<h1>Sign in</h1>')
    const { sessions } = await graphqlData<{ sessions: { nodes: { method: string }[] } }>(
      server,
      'query($who: String!) { sessions(who: $who) { nodes { method } } }',
      { who: email },
    )
    expect(sessions.nodes).toEqual([{ method: 'device' }])
  })

  it('says that a device is waiting only where there is a code', async () => {
    const waiting = 'A device is waiting'
    expect((await new Visitor().open()).text).not.toContain(waiting)
    expect((await new Visitor().open('?user_code=BBBB-BBBB')).text).toContain(waiting)
  })

  it('takes a code however it is typed, and sends the device away', async () => {
    const begun = await begin()
    const { visitor, page } = await signedIn('')
    expect(page.text).toContain('Enter the code')
    const typed = begun.userCode.toLowerCase().replace('-', ' ')
    const shown = await visitor.open(`?user_code=${encodeURIComponent(typed)}`)
    expect(shown.text).toContain(`>${begun.userCode}</p>`)
    expect(shown.text).toContain('everything that you may as a member')
    expect((await visitor.press('deny')).text).toContain('The device was refused')
    expect(await finish(begun)).toMatchObject({ code: 'ACCESS_DENIED' })
  })

  it('runs no script, is not framed, and is not kept', async () => {
    const { headers, text } = await new Visitor().open()
    const policy = headers.get('content-security-policy') ?? ''
    for (const rule of ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'"])
      expect(policy.split('; ')).toContain(rule)
    expect(policy).not.toContain('unsafe')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(text).not.toMatch(/<script|\son\w+=/)
  })

  it('says what was wrong, beside the field, and keeps the code', async () => {
    const { userCode } = await begin()
    const visitor = new Visitor()
    await visitor.open(`?user_code=${userCode}`)
    const page = await visitor.press('sign-in', { email: 'nobody@example.com', password })
    expect(page.status).toBe(401)
    expect(page.text).toMatch(/role="alert">The e-mail address or the password is wrong\./)
    expect(page.text).toContain('value="nobody@example.com" aria-invalid="true" aria-describedby="error"')
    expect(page.text).toContain(`name="user_code" value="${userCode}"`)
    expect(page.text).not.toContain(password)
  })

  it('asks which account where the password is right in several, or takes it from the address', async () => {
    const email = await addPerson(server)
    const { token, accountId } = await addToken(server)
    const query = `mutation($email: String!, $password: String!) {
      createUser(input: { email: $email, role: MEMBER }) { __typename }
      setPassword(input: { who: $email, password: $password }) { __typename } }`
    await graphqlData({ url: server.url, token }, query, { email, password })
    const begun = await begin()
    const visitor = new Visitor()
    expect((await visitor.open(`?user_code=${begun.userCode}`)).text).not.toContain('name="account"')
    const asked = await visitor.press('sign-in', { email, password })
    expect([asked.status, asked.text]).toEqual([409, expect.stringContaining(`other (${accountId})`)])
    expect(asked.text).toContain('<input id="account" name="account"')
    const shown = await visitor.press('sign-in', { email, password, account: 'other' })
    expect(shown.text).toContain(begun.userCode)
    await visitor.press('approve')
    const { accessToken } = await anonymously<{ accessToken: string }>(
      server,
      'finishDeviceSignIn',
      { deviceCode: begun.deviceCode },
      'accessToken',
    )
    const viewer = { url: server.url, token: accessToken }
    expect(await graphqlData(viewer, '{ viewer { account { id } } }')).toEqual({
      viewer: { account: { id: accountId } },
    })
    expect((await new Visitor().open('?account=%22main')).text).toContain(
      'name="account" autocomplete="off" maxlength="200" value="&quot;main"',
    )
  })

  it.each(['BBBB-BBBB', 'nonsense', '<script>', 'x'.repeat(5_000)])('knows no device %j', async (code) => {
    const { page } = await signedIn(`?user_code=${encodeURIComponent(code)}`)
    expect(page.status).toBe(404)
    expect(page.text).toContain('No device is waiting with this code')
    expect(page.text).not.toContain('<script>')
  })

  it('does not let through what the person may not do', async () => {
    const begun = await begin({ scopes: ['access:admin'] })
    const { visitor } = await signedIn(`?user_code=${begun.userCode}`)
    const page = await visitor.press('approve')
    expect([page.status, page.text.includes('access:admin')]).toEqual([403, true])
    expect(await finish(begun)).toMatchObject({ code: 'AUTHORIZATION_PENDING' })
  })
})

describe('a form that did not come from the page', () => {
  it.each([
    ['without its token', { form_token: '' }, {}],
    ['with another token', { form_token: 'x'.repeat(32) }, {}],
    ['sent by another site', {}, { 'sec-fetch-site': 'cross-site' }],
  ])('does nothing: %s', async (_what, fields, headers) => {
    const begun = await begin()
    const { visitor, page } = await signedIn(`?user_code=${begun.userCode}`)
    const body = new URLSearchParams({ ...hiddenOf(formsOf(page.text)[0] ?? ''), ...fields, do: 'approve' })
    const { response } = await visitor.browser.visit(`${server.url}/device`, { method: 'POST', body, headers })
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('not from this browser')])
    expect(await finish(begun)).toMatchObject({ code: 'AUTHORIZATION_PENDING' })
  })

  it.each([
    ['PUT', {}, '', 405],
    ['POST', { 'content-type': 'application/json' }, '{}', 415],
    ['POST', { 'content-type': 'application/x-www-form-urlencoded' }, `a=${'x'.repeat(20_000)}`, 413],
  ])('is refused: %s %j', async (method, headers, body, status) => {
    const response = await fetch(`${server.url}/device`, { method, headers, body })
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8'])
  })
})

describe('with an identity provider', () => {
  let provider: TestProvider
  let other: TestServer
  beforeAll(async () => {
    const port = String(await freePort())
    const publicUrl = `http://127.0.0.1:${port}`
    provider = await startProvider([`${publicUrl}/api/auth/callback`])
    other = await startTestServer({
      database: server.database,
      env: {
        LOG_LEVEL: 'silent',
        ROLES: 'api',
        PORT: port,
        PUBLIC_URL: publicUrl,
        OIDC_ISSUER: provider.issuer,
        OIDC_CLIENT_ID: provider.clientId,
        OIDC_CLIENT_SECRET: provider.clientSecret,
        OIDC_ALLOWED_DOMAINS: 'example.com',
      },
    })
  })
  afterAll(async () => {
    await other.close()
    await provider.close()
  })

  it('lets people sign in there, and shows no token to anybody', async () => {
    provider.person = { subject: 'grace', email: 'grace@example.com', isVerified: true }
    const begun = await begin({}, other)
    const visitor = new Visitor(other.url)
    const { text } = await visitor.open(`?user_code=${begun.userCode}`)
    const [, href = ''] = /href="(api\/auth\/login[^"]+)"/.exec(text) ?? []
    const { url } = await visitor.browser.visit(`${other.url}/${href.replaceAll('&amp;', '&')}`)
    expect(url).toBe(`${other.url}/device?user_code=${begun.userCode}`)
    expect((await visitor.open(`?user_code=${begun.userCode}`)).text).toContain('grace@example.com')
    await visitor.press('approve')
    expect(await finish(begun, other)).toEqual({ email: 'grace@example.com' })
  })
})
