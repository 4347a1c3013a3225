import { createRemoteJWKSet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import * as oidc from 'openid-client'
import { Unauthenticated } from '#domain/access/errors.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { ProviderFailed, ProviderRefused } from './errors.ts'

export interface OidcSettings {
  /** The provider's issuer identifier, which its discovery document is found by. */
  readonly issuer: string
  readonly clientId: string
  /** Undefined for a public client. */
  readonly clientSecret: string | undefined
  /** The provider's own access tokens are accepted when they are for this audience; none when undefined. */
  readonly accessTokenAudience: string | undefined
  /** Only for development: a provider on this machine without TLS. */
  readonly allowInsecure: boolean
  /** Keys are asked for again because of an unknown id at most once in this time. Default: a minute. */
  readonly keyCooldownMs?: number
  /** How long the provider may take for each answer, in seconds. Default: ten. */
  readonly timeoutS?: number
}

/** What the provider says of a person. */
export interface ProvidedIdentity {
  readonly issuer: string
  readonly subject: string
  readonly email: string | undefined
  readonly isEmailVerified: boolean
  readonly firstName: string
  readonly lastName: string
}

/** What has to be remembered between sending a person to the provider and their coming back. */
export interface PendingSignIn {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly redirectUri: string
}

const scope = 'openid email profile'
const usualTimeoutS = 10
const usualCooldownMs = 60_000
const keyAgeMs = 10 * 60_000
const clockToleranceS = 5

/** An OpenID provider, by the authorization code flow with PKCE (OpenID Connect Core 1.0 §3.1, RFC 7636). */
export class OidcProvider {
  readonly #settings: OidcSettings
  readonly #log: Logger
  #configuration: Promise<oidc.Configuration> | undefined
  #keys: JWTVerifyGetKey | undefined

  constructor(settings: OidcSettings, log: Logger) {
    this.#settings = settings
    this.#log = log
  }

  /** Where to send a person, and what to remember meanwhile. @throws {ProviderFailed} */
  async begin(redirectUri: string): Promise<{ url: string; pending: PendingSignIn }> {
    const configuration = await this.#discovered()
    const pending = {
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      codeVerifier: oidc.randomPKCECodeVerifier(),
      redirectUri,
    }
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
    })
    return { url: url.href, pending }
  }

  /**
   * Who has come back. `parameters` are those that the provider sent them with.
   * @throws {ProviderRefused} when the provider, or the person, said no, or what came back fits nothing that was begun
   * @throws {ProviderFailed}
   */
  async finish(parameters: URLSearchParams, pending: PendingSignIn): Promise<ProvidedIdentity> {
    mustAnswer(parameters, pending)
    const configuration = await this.#discovered()
    mustComeFrom(parameters, configuration.serverMetadata())
    const url = new URL(pending.redirectUri)
    url.search = parameters.toString()
    const checks = {
      expectedState: pending.state,
      expectedNonce: pending.nonce,
      pkceCodeVerifier: pending.codeVerifier,
    }
    try {
      const tokens = await oidc.authorizationCodeGrant(configuration, url, { ...checks, idTokenExpected: true })
      const claims = tokens.claims()
      if (claims === undefined) throw new Error('The provider sent no ID token.')
      const more =
        claims['email'] === undefined ? await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub) : {}
      return identityOf(claims.iss, claims.sub, { ...claims, ...more })
    } catch (error) {
      throw this.#translated(error)
    }
  }

  /** Whether a token claims to be this provider's, where its access tokens are accepted at all. */
  issued(issuer: unknown): boolean {
    return this.#settings.accessTokenAudience !== undefined && issuer === this.#settings.issuer
  }

  /** Who an access token of the provider stands for. @throws {Unauthenticated} @throws {ProviderFailed} */
  async verify(token: string): Promise<{ issuer: string; subject: string; expiresAt: Date }> {
    const { issuer, accessTokenAudience: audience = '' } = this.#settings
    this.#keys ??= await this.#remoteKeys()
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        clockTolerance: clockToleranceS,
        requiredClaims: ['sub', 'exp', 'iat'],
      })
      return { issuer, subject: payload.sub ?? '', expiresAt: new Date((payload.exp ?? 0) * 1000) }
    } catch (error) {
      if (isTokenFault(error)) throw new Unauthenticated()
      throw this.#translated(error)
    }
  }

  async #remoteKeys(): Promise<JWTVerifyGetKey> {
    const { jwks_uri: url } = (await this.#discovered()).serverMetadata()
    if (url === undefined) throw new ProviderFailed('it publishes no keys')
    const settings = {
      timeoutDuration: (this.#settings.timeoutS ?? usualTimeoutS) * 1000,
      cooldownDuration: this.#settings.keyCooldownMs ?? usualCooldownMs,
      cacheMaxAge: keyAgeMs,
    }
    return createRemoteJWKSet(new URL(url), settings)
  }

  async #discovered(): Promise<oidc.Configuration> {
    this.#configuration ??= this.#discover()
    try {
      return await this.#configuration
    } catch (error) {
      // It may be down for the moment: the next one asks again.
      this.#configuration = undefined
      throw this.#translated(error)
    }
  }

  async #discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret, allowInsecure, timeoutS: timeout = usualTimeoutS } = this.#settings
    const authentication = clientSecret === undefined ? oidc.None() : oidc.ClientSecretBasic(clientSecret)
    // The ID token comes from the provider itself, so TLS vouches for it (OpenID Connect Core 1.0 §3.1.3.7, item 6).
    const execute = allowInsecure ? [oidc.allowInsecureRequests] : []
    return oidc.discovery(new URL(issuer), clientId, undefined, authentication, { execute, timeout })
  }

  #translated(error: unknown): unknown {
    if (error instanceof ProviderFailed || error instanceof ProviderRefused) return error
    if (error instanceof oidc.AuthorizationResponseError) return new ProviderRefused(error.error)
    if (error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant')
      return new ProviderRefused(error.error)
    this.#log.warn({ err: error }, 'the identity provider did not respond, or its response is not valid')
    return new ProviderFailed(reasonOf(error), { cause: error })
  }
}

/**
 * The browser brings these, so a fault in them is not the provider's (RFC 6749 §4.1.2, RFC 6819 §4.4.1.8).
 * @throws {ProviderRefused} unless they are one answer to what was begun
 */
function mustAnswer(parameters: URLSearchParams, { state }: PendingSignIn): void {
  const isRepeated = ['state', 'code', 'iss', 'error'].some((name) => parameters.getAll(name).length > 1)
  if (isRepeated || !(parameters.has('code') || parameters.has('error'))) throw new ProviderRefused('invalid_response')
  if (parameters.get('state') !== state) throw new ProviderRefused('invalid_state')
}

/** @throws {ProviderRefused} when they name another issuer, or none where this one always does (RFC 9207 §2.4) */
function mustComeFrom(
  parameters: URLSearchParams,
  { issuer, authorization_response_iss_parameter_supported: isNamed }: oidc.ServerMetadata,
): void {
  const named = parameters.get('iss')
  if (named === null ? isNamed === true : named !== issuer) throw new ProviderRefused('invalid_issuer')
}

function reasonOf(error: unknown): string {
  if (error instanceof oidc.ClientError && error.code === 'OAUTH_TIMEOUT') return 'it did not answer in time'
  if (error instanceof TypeError) return "it can't be reached"
  return 'its answer was not what it should be; the log says more'
}

function identityOf(issuer: string, subject: string, claims: Readonly<Record<string, unknown>>): ProvidedIdentity {
  const text = (name: string) => (typeof claims[name] === 'string' ? claims[name] : '')
  return {
    issuer,
    subject,
    email: text('email') || undefined,
    isEmailVerified: claims['email_verified'] === true,
    firstName: text('given_name').slice(0, 100),
    lastName: text('family_name').slice(0, 100),
  }
}

function isTokenFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return code.startsWith('ERR_J') && code !== 'ERR_JWKS_TIMEOUT' && code !== 'ERR_JWKS_INVALID'
}
