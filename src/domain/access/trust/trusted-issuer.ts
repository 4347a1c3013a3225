import { createRemoteJWKSet, customFetch, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { isRecord } from '#lib/json.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { ExchangeRefused, IssuerFailed } from './errors.ts'
import { isIssuerUrl } from './trust-rule.ts'

/** Only signatures that need the issuer's private key. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
const timeoutMs = 5_000
const maxBytes = 256 * 1024
const clockToleranceS = 5
const keyAgeMs = 10 * 60_000
/** Keys are fetched again because of an unknown id at most once in this time. */
const keyCooldownMs = 60_000
/** After a failure the issuer is not called for this long: anyone can send tokens that name it. */
const failurePauseMs = 5_000

/** An issuer whose tokens rules trust. Its keys are found by discovery (OpenID Connect Discovery 1.0 §4) and cached. */
export class TrustedIssuer {
  readonly #issuer: string
  readonly #outbound: GuardedFetch
  readonly #log: Logger
  #keys: Promise<JWTVerifyGetKey> | undefined
  #failure: { readonly error: IssuerFailed; readonly until: number } | undefined

  constructor(issuer: string, { outbound, log }: { outbound: GuardedFetch; log: Logger }) {
    this.#issuer = issuer
    this.#outbound = outbound
    this.#log = log
  }

  /** The claims of a token of this issuer for one of the audiences. @throws {ExchangeRefused} @throws {IssuerFailed} */
  async verify(token: string, audiences: readonly string[]): Promise<JWTPayload> {
    const keys = await this.#remoteKeys()
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: this.#issuer,
        audience: [...audiences],
        algorithms,
        clockTolerance: clockToleranceS,
        requiredClaims: ['sub', 'exp', 'iat'],
      })
      return payload
    } catch (error) {
      if (error instanceof IssuerFailed) throw error
      if (isIssuerFault(error)) throw this.#failed(error)
      throw new ExchangeRefused('INVALID_TOKEN', { cause: error })
    }
  }

  #remoteKeys(): Promise<JWTVerifyGetKey> {
    this.#keys ??= this.#discover().catch((error: unknown) => {
      this.#keys = undefined
      throw error
    })
    return this.#keys
  }

  async #discover(): Promise<JWTVerifyGetKey> {
    const metadata = await this.#fetchJson(`${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)
    const url = metadata['jwks_uri']
    if (metadata['issuer'] !== this.#issuer)
      throw this.#failed(new Error('its discovery document names another issuer'))
    if (typeof url !== 'string' || !isIssuerUrl(url))
      throw this.#failed(new Error('its discovery document has no https: address of keys'))
    return createRemoteJWKSet(new URL(url), {
      cacheMaxAge: keyAgeMs,
      cooldownDuration: keyCooldownMs,
      timeoutDuration: timeoutMs,
      [customFetch]: async () => Response.json(await this.#fetchJson(url)),
    })
  }

  async #fetchJson(url: string): Promise<Record<string, unknown>> {
    if (this.#failure !== undefined && this.#failure.until > performance.now()) throw this.#failure.error
    try {
      const headers = { accept: 'application/json' }
      const request = { method: 'GET', url, headers, timeoutMs, maxBytes, keptBytes: maxBytes } as const
      const { status, body, bodyError } = await this.#outbound.fetch(request)
      if (bodyError !== undefined) throw bodyError
      if (status !== 200) throw new Error(`${url} was answered with status ${status}`)
      const value: unknown = JSON.parse(body.toString('utf8'))
      if (!isRecord(value)) throw new Error(`${url} was answered with something other than a JSON object`)
      return value
    } catch (error) {
      throw this.#failed(error)
    }
  }

  /** Callers learn only that the issuer can't be used; the log has the reason. */
  #failed(cause: unknown): IssuerFailed {
    const error = new IssuerFailed(this.#issuer, { cause })
    this.#failure = { error, until: performance.now() + failurePauseMs }
    this.#log.warn({ err: cause, issuer: this.#issuer }, 'the keys of a trusted issuer could not be fetched')
    return error
  }
}

function isIssuerFault(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ERR_JWKS_TIMEOUT' || code === 'ERR_JWKS_INVALID' || code === undefined
}
