import { createHash, createPublicKey } from 'node:crypto'
import { decodeJwt, jwtVerify } from 'jose'
import type { FakeApp, FakeGrant, FakeModel, FakeOrg } from './model.ts'

/** A request as the handlers of the fake see it. */
export interface FakeRequest {
  readonly method: string
  /** With its port. */
  readonly host: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
  readonly bytes: Buffer
}

export interface FakeAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text, or a stream of texts, is sent as it is, anything else as JSON. */
  readonly body: unknown
}

/** A refusal in the form of the OAuth endpoints. */
class OauthRefusal extends Error {
  readonly error: string
  readonly status: number
  constructor(error: string, description: string, status = 400) {
    super(description)
    this.error = error
    this.status = status
  }
}

/** The longest validity of an assertion that Salesforce accepts, in seconds. */
const maxAssertionSeconds = 300

/** The OAuth endpoints; undefined for other paths. */
export async function answerOauth(model: FakeModel, request: FakeRequest): Promise<FakeAnswer | undefined> {
  const handlers: Record<string, (model: FakeModel, request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>> = {
    '/services/oauth2/token': answerToken,
    '/services/oauth2/authorize': authorize,
    '/services/oauth2/revoke': revoke,
    '/services/oauth2/singleaccess': singleAccess,
  }
  const handler = handlers[request.path]
  if (handler === undefined) return undefined
  try {
    return await handler(model, request)
  } catch (error) {
    if (!(error instanceof OauthRefusal)) throw error
    return { status: error.status, body: { error: error.error, error_description: error.message } }
  }
}

function formOf({ method, headers, body }: FakeRequest): URLSearchParams {
  if (method !== 'POST') throw new OauthRefusal('invalid_request', 'must use HTTP POST')
  if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded'))
    throw new OauthRefusal('invalid_request', 'unsupported content type')
  return new URLSearchParams(body)
}

async function answerToken(model: FakeModel, request: FakeRequest): Promise<FakeAnswer> {
  const form = formOf(request)
  const type = form.get('grant_type')
  const grants: Record<string, () => FakeGrant | Promise<FakeGrant>> = {
    'urn:ietf:params:oauth:grant-type:jwt-bearer': () => byAssertion(model, request, form),
    client_credentials: () => byClientCredentials(model, request, form),
    refresh_token: () => byRefreshToken(model, form),
    authorization_code: () => byCode(model, form),
  }
  if (type === null || grants[type] === undefined)
    throw new OauthRefusal('unsupported_grant_type', 'grant type not supported')
  const grant = await grants[type]()
  mustBeUsable(grant)
  const isOffline = type === 'authorization_code' || (type === 'refresh_token' && grant.app.rotates)
  if (type === 'refresh_token') {
    model.refreshes += 1
    if (grant.app.rotates) model.rotate(grant)
  }
  const [, port = ''] = request.host.split(':')
  return {
    status: 200,
    headers: { 'cache-control': 'no-cache, no-store' },
    body: {
      access_token: model.issueAccessToken(grant),
      ...(isOffline && { refresh_token: grant.refreshToken }),
      signature: 'c2lnbmF0dXJl',
      scope: grant.app.scopes,
      instance_url: `https://${grant.org.host}:${port}`,
      id: `https://${request.host}/id/${grant.org.id}/${grant.user.id}`,
      token_type: 'Bearer',
      issued_at: String(Date.now()),
    },
  }
}

function mustBeUsable({ app, org, user, isRevoked }: FakeGrant): void {
  if (app.isBlocked) throw new OauthRefusal('OAUTH_APP_BLOCKED', 'this app is blocked by admin')
  if (app.isIpRestricted) throw new OauthRefusal('invalid_grant', 'ip restricted')
  if (org.status === 'locked') throw new OauthRefusal('inactive_org', 'organization is locked')
  if (org.status === 'inactive') throw new OauthRefusal('inactive_org', 'organization is inactive')
  if (!user.isActive) throw new OauthRefusal('inactive_user', 'user is inactive')
  if (isRevoked) throw new OauthRefusal('invalid_grant', 'expired access/refresh token')
}

function appOf(model: FakeModel, clientId: string | null): FakeApp {
  const app = model.apps.find((one) => one.clientId === clientId)
  if (app === undefined) throw new OauthRefusal('invalid_client_id', 'client identifier invalid')
  return app
}

function mustKnowSecret(app: FakeApp, form: URLSearchParams, isNeeded: boolean): void {
  const given = form.get('client_secret')
  if (given === null ? isNeeded : given !== app.clientSecret)
    throw new OauthRefusal('invalid_client', 'invalid client credentials')
}

async function byAssertion(model: FakeModel, request: FakeRequest, form: URLSearchParams): Promise<FakeGrant> {
  const assertion = form.get('assertion')
  const claims = claimsOf(assertion)
  const app = appOf(model, claims.iss ?? null)
  if (assertion === null || app.publicKey === undefined) throw new OauthRefusal('invalid_grant', 'invalid assertion')
  await jwtVerify(assertion, createPublicKey(app.publicKey), { algorithms: ['RS256'] }).catch(() => {
    throw new OauthRefusal('invalid_grant', 'invalid assertion')
  })
  if ((claims.exp ?? 0) > Date.now() / 1000 + maxAssertionSeconds)
    throw new OauthRefusal('invalid_grant', 'invalid assertion')
  const org = model.orgOf(claims.sub ?? '')
  const grant = org && (model.grants.find((one) => one.app === app && one.org === org) ?? newGrant(model, app, org))
  if (grant === undefined || !app.approved.has(grant.user.username))
    throw new OauthRefusal('invalid_grant', "user hasn't approved this consumer")
  const [, port] = request.host.split(':')
  const isTest = grant.org.kind === 'sandbox' || grant.org.kind === 'scratch'
  const audiences = [isTest ? 'test.salesforce.localhost' : 'login.salesforce.localhost', grant.org.host]
  if (!audiences.some((host) => claims.aud === `https://${host}:${port}`))
    throw new OauthRefusal('invalid_grant', 'audience is invalid')
  return grant
}

function newGrant(model: FakeModel, app: FakeApp, org: FakeOrg): FakeGrant {
  return model.addGrant(app, org, { isOffline: false })
}

function claimsOf(assertion: string | null) {
  try {
    return decodeJwt(assertion ?? '')
  } catch {
    throw new OauthRefusal('invalid_grant', 'invalid assertion')
  }
}

function byClientCredentials(model: FakeModel, request: FakeRequest, form: URLSearchParams): FakeGrant {
  const app = appOf(model, form.get('client_id'))
  mustKnowSecret(app, form, true)
  const org = model.orgAt(request.host)
  if (org === undefined) throw new OauthRefusal('invalid_grant', 'request not supported on this domain')
  if (app.runAs === undefined) throw new OauthRefusal('invalid_grant', 'no client credentials user enabled')
  return model.grants.find((one) => one.app === app && one.org === org) ?? newGrant(model, app, org)
}

function byRefreshToken(model: FakeModel, form: URLSearchParams): FakeGrant {
  const app = appOf(model, form.get('client_id'))
  mustKnowSecret(app, form, app.needsSecret)
  const token = form.get('refresh_token') ?? ''
  const replaced = model.grants.find(({ used }) => used.has(token))
  if (replaced !== undefined) {
    model.reuses += 1
    model.revoke(replaced)
  }
  const grant = model.grants.find((one) => one.app === app && one.refreshToken === token)
  if (grant === undefined) throw new OauthRefusal('invalid_grant', 'expired access/refresh token')
  return grant
}

function byCode(model: FakeModel, form: URLSearchParams): FakeGrant {
  const app = appOf(model, form.get('client_id'))
  mustKnowSecret(app, form, app.needsSecret)
  const text = form.get('code') ?? ''
  const code = model.codes.get(text)
  if (code === undefined || code.grant.app !== app)
    throw new OauthRefusal('invalid_grant', 'invalid authorization code')
  model.codes.delete(text)
  if (form.get('redirect_uri') !== code.redirectUri)
    throw new OauthRefusal('invalid_grant', 'redirect_uri must match configuration')
  const challenge = createHash('sha256')
    .update(form.get('code_verifier') ?? '')
    .digest('base64url')
  if (code.challenge !== undefined && challenge !== code.challenge)
    throw new OauthRefusal('invalid_grant', 'invalid code verifier')
  return code.grant
}

/** Answers at once as somebody who signs in and approves; a `login_hint` says who. */
function authorize(model: FakeModel, { query, method, host }: FakeRequest): FakeAnswer {
  if (method !== 'GET') throw new OauthRefusal('invalid_request', 'must use HTTP GET', 405)
  const app = appOf(model, query.get('client_id'))
  const redirectUri = query.get('redirect_uri') ?? ''
  if (!app.callbackUrls.includes(redirectUri))
    throw new OauthRefusal('redirect_uri_mismatch', 'redirect_uri must match configuration')
  const challenge = query.get('code_challenge')
  const back = new URL(redirectUri)
  const state = query.get('state')
  if (state !== null) back.searchParams.set('state', state)
  const org = model.orgAt(host) ?? model.orgOf(query.get('login_hint') ?? '') ?? model.orgs[0]
  if (query.get('response_type') !== 'code') back.searchParams.set('error', 'unsupported_response_type')
  else if (challenge === null || query.get('code_challenge_method') !== 'S256') {
    back.searchParams.set('error', 'invalid_request')
    back.searchParams.set('error_description', 'missing required code challenge')
  } else if (org === undefined || query.get('login_hint') === 'nobody') {
    back.searchParams.set('error', 'access_denied')
    back.searchParams.set('error_description', 'end-user denied authorization')
  } else back.searchParams.set('code', model.issueCode({ grant: model.addGrant(app, org), redirectUri, challenge }))
  return { status: 302, headers: { location: back.href }, body: '' }
}

function revoke(model: FakeModel, request: FakeRequest): FakeAnswer {
  const token = formOf(request).get('token') ?? ''
  const grant = model.grants.find((one) => one.refreshToken === token) ?? model.grantOf(token)
  if (grant === undefined || grant.isRevoked) throw new OauthRefusal('unsupported_token_type', 'invalid token')
  if (grant.refreshToken === token) model.revoke(grant)
  else grant.accessTokens.delete(token)
  return { status: 200, body: '' }
}

function bearerOf({ headers }: FakeRequest): string {
  return /^Bearer (.+)$/.exec(headers['authorization'] ?? '')?.[1] ?? ''
}

function singleAccess(model: FakeModel, request: FakeRequest): FakeAnswer {
  const form = formOf(request)
  const grant = model.grantOf(bearerOf(request))
  if (grant === undefined) throw new OauthRefusal('invalid_grant', 'invalid access token', 401)
  if (!/\b(web|full)\b/.test(grant.app.scopes)) throw new OauthRefusal('insufficient_scope', 'web scope required', 403)
  const door = new URL(`https://${request.host}/secur/frontdoor.jsp`)
  door.searchParams.set('otp', model.issueFrontDoor(grant))
  const start = form.get('redirect_uri')
  if (start !== null) door.searchParams.set('startURL', start)
  return { status: 200, body: { frontdoor_uri: door.href } }
}
