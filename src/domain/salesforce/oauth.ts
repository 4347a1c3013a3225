import { createHash, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { type Call, foreignHost } from './calls.ts'
import { type Credential, secretsOf } from './credential.ts'
import { SalesforceFailure } from './errors.ts'
import { apiFailure, jsonOf, oauthFailure, type SalesforceAnswer, withoutData } from './failure.ts'
import { grantOf } from './grant.ts'
import type { SalesforceHosts } from './hosts.ts'

/** What the token endpoint answers with. */
export interface Tokens {
  readonly accessToken: string
  /** Undefined: the one that was sent stays, or there is none. */
  readonly refreshToken: string | undefined
  readonly instanceUrl: string
  /** Whose token it is. */
  readonly orgId: string
  readonly userId: string
}

/** An access token with where it is used. */
export interface Session {
  readonly instanceUrl: string
  readonly accessToken: string
}

const tokenForm = z.object({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1).optional(),
  instance_url: z.string(),
  id: z.string(),
})
const identityForm = /\/id\/([\w]{15,18})\/([\w]{15,18})$/

/** A web flow that begins: where to send the person, and what the way back is recognized by. */
export interface WebFlow {
  readonly url: string
  readonly state: string
  readonly codeVerifier: string
}

export interface OauthDeps {
  readonly call: Call
  readonly hosts: SalesforceHosts
}

/** Salesforce's OAuth endpoints. */
export type Oauth = ReturnType<typeof createOauth>

export function createOauth({ call, hosts }: OauthDeps) {
  /** Requests an access token with what an org was registered with. @throws {SalesforceFailure} */
  async function requestToken(loginUrl: string, credential: Credential): Promise<Tokens> {
    return token(loginUrl, await grantOf(credential, hosts.audienceOf(loginUrl)), secretsOf(credential))
  }

  /** Exchanges the code of a web flow. @throws {SalesforceFailure} */
  function exchangeCode(
    loginUrl: string,
    { code, redirectUri, codeVerifier, clientId, clientSecret }: CodeExchange,
  ): Promise<Tokens> {
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: redirectUri,
      client_id: clientId,
      ...(codeVerifier !== undefined && { code_verifier: codeVerifier }),
      ...(clientSecret !== undefined && { client_secret: clientSecret }),
    }
    return token(loginUrl, form, [code, codeVerifier ?? '', clientSecret ?? ''])
  }

  async function token(loginUrl: string, form: Record<string, string>, secrets: readonly string[]): Promise<Tokens> {
    const answer = await post(`${loginUrl}/services/oauth2/token`, form)
    if (answer.status !== 200) throw oauthFailure(answer, secrets)
    const { data } = tokenForm.safeParse(jsonOf(answer))
    const [, orgId, userId] = identityForm.exec(data?.id ?? '') ?? []
    if (data === undefined || orgId === undefined || userId === undefined) throw withoutData(answer)
    const origin = URL.parse(data.instance_url)?.origin ?? ''
    if (!hosts.has(origin)) throw foreignHost(data.instance_url)
    return {
      accessToken: data.access_token,
      refreshToken: data.refresh_token,
      instanceUrl: origin,
      orgId,
      userId,
    }
  }

  function post(
    url: string,
    form: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<SalesforceAnswer> {
    const body = new URLSearchParams(form).toString()
    return call({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    })
  }

  /** Where a person approves the app, with PKCE. */
  function beginWebFlow(
    loginUrl: string,
    app: { clientId: string; redirectUri: string; loginHint?: string | undefined },
  ): WebFlow {
    const state = randomBytes(32).toString('base64url')
    const codeVerifier = randomBytes(48).toString('base64url')
    const url = new URL('/services/oauth2/authorize', loginUrl)
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: app.clientId,
      redirect_uri: app.redirectUri,
      scope: 'api web refresh_token',
      state,
      code_challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...(app.loginHint !== undefined && { login_hint: app.loginHint }),
    }).toString()
    return { url: url.href, state, codeVerifier }
  }

  /** Ends a refresh token with its access tokens, or one access token. @throws {SalesforceFailure} */
  async function revoke(loginUrl: string, secret: string): Promise<void> {
    const answer = await post(`${loginUrl}/services/oauth2/revoke`, { token: secret })
    if (answer.status !== 200) throw oauthFailure(answer, [secret])
  }

  /**
   * A link that opens a session of the org's user in a browser, once. @throws {SalesforceFailure}
   */
  async function singleAccess({ instanceUrl, accessToken }: Session, path: string | undefined): Promise<string> {
    const form: Record<string, string> = path === undefined ? {} : { redirect_uri: path }
    const headers = { authorization: `Bearer ${accessToken}` }
    const answer = await post(`${instanceUrl}/services/oauth2/singleaccess`, form, headers)
    if (answer.status !== 200) throw apiFailure(answer, [accessToken])
    const { data } = z.object({ frontdoor_uri: z.string() }).safeParse(jsonOf(answer))
    if (data === undefined) throw withoutData(answer)
    if (!hosts.has(data.frontdoor_uri)) throw foreignHost(data.frontdoor_uri)
    return data.frontdoor_uri
  }

  return { requestToken, exchangeCode, beginWebFlow, revoke, singleAccess }
}

export interface CodeExchange {
  readonly code: string
  readonly redirectUri: string
  readonly codeVerifier?: string | undefined
  readonly clientId: string
  readonly clientSecret: string | undefined
}

/** What a person brought back from a web flow instead of a code. */
export function webFlowRefused(error: string, description: string | null): SalesforceFailure {
  return new SalesforceFailure(description === null ? error : `${error}: ${description}`, { reason: error })
}
