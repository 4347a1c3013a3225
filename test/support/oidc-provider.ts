import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type JWK } from 'oidc-provider'

interface TestPerson {
  readonly subject: string
  readonly email: string
  readonly isVerified: boolean
}

/** A real OpenID provider on loopback, whose people sign in by going there. */
export interface TestProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Who is signed in at the provider from now on. */
  person: TestPerson
  /** Goes on with a new key; the old one is not published any more. */
  rotateKeys(): Promise<void>
  /** Every request that was answered, by its path. */
  readonly asked: string[]
  close(): Promise<void>
}

const clientId = 'signalbox'
const clientSecret = 'secret-of-the-client-at-its-provider'

export async function startProvider(redirectUris: readonly string[]): Promise<TestProvider> {
  const http = createServer()
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const asked: string[] = []
  const state = { person: { subject: 'somebody', email: 'somebody@example.com', isVerified: true } }
  let provider = await newProvider(issuer, redirectUris, () => state.person)
  http.on('request', (request, response) => {
    asked.push((request.url ?? '').split('?', 1)[0] ?? '')
    void provider.callback()(request, response)
  })
  return {
    issuer,
    clientId,
    clientSecret,
    asked,
    get person() {
      return state.person
    },
    set person(person) {
      state.person = person
    },
    async rotateKeys() {
      provider = await newProvider(issuer, redirectUris, () => state.person)
    },
    close: () => closed(http),
  }
}

async function newProvider(issuer: string, redirectUris: readonly string[], person: () => TestPerson) {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256', kid: crypto.randomUUID() } as JWK
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [...redirectUris] }],
    jwks: { keys: [key] },
    cookies: { keys: ['of-the-test'] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['given_name', 'family_name'] },
    conformIdTokenClaims: false,
    findAccount: async (_context, accountId) => ({
      accountId,
      claims: async () => ({
        sub: accountId,
        email: person().email,
        email_verified: person().isVerified,
        given_name: 'Some',
        family_name: 'Body',
      }),
    }),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:signalbox',
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'openid', audience: 'urn:signalbox', accessTokenFormat: 'jwt' }),
      },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  })
  // The person agrees to everything, as the provider's own pages would let them.
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/interaction/')) return next()
    const { prompt, params, session } = await provider.interactionDetails(context.req, context.res)
    const accountId = session?.accountId ?? person().subject
    const grant = new provider.Grant({ accountId, clientId: String(params['client_id']) })
    grant.addOIDCScope('openid email profile')
    grant.addResourceScope('urn:signalbox', 'openid')
    const result =
      prompt.name === 'login'
        ? { login: { accountId: person().subject } }
        : { consent: { grantId: await grant.save() } }
    await provider.interactionFinished(context.req, context.res, result, { mergeWithLastSubmission: true })
    context.respond = false
  })
  provider.on('server_error', (_context, error) => {
    process.stderr.write(`the test's provider failed: ${error.stack}\n`)
  })
  return provider
}

async function closed(http: Server): Promise<void> {
  http.closeAllConnections()
  http.close()
  await once(http, 'close')
}

/** A browser as far as redirects and cookies go. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>()

  /** Goes to an address and wherever it is sent on from there, but for the last step of a sign-in that goes elsewhere. */
  async visit(address: string, first: RequestInit = {}): Promise<{ url: string; response: Response }> {
    let url = address
    for (let step = 0; step < 20; step += 1) {
      const asked = step === 0 ? first : {}
      const headers = { ...(asked.headers as Record<string, string>), cookie: this.#cookiesFor(url) }
      const response = await fetch(url, { ...asked, redirect: 'manual', headers })
      this.#keep(url, response)
      const location = response.headers.get('location')
      if (location === null) return { url, response }
      await response.arrayBuffer()
      url = new URL(location, url).href
    }
    throw new Error(`${address} never ends.`)
  }

  /** Forgets what an origin has asked to remember. */
  forget(origin: string): void {
    this.#cookies.delete(new URL(origin).host)
  }

  #cookiesFor(url: string): string {
    return [...(this.#cookies.get(new URL(url).host) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  #keep(url: string, response: Response): void {
    const { host } = new URL(url)
    const jar = this.#cookies.get(host) ?? new Map<string, string>()
    this.#cookies.set(host, jar)
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';', 1)
      const at = pair.indexOf('=')
      const value = pair.slice(at + 1)
      if (value === '') jar.delete(pair.slice(0, at))
      else jar.set(pair.slice(0, at), value)
    }
  }
}
