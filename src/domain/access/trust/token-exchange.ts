import { decodeJwt, type JWTPayload } from 'jose'
import type { RequestOrigin } from '#domain/access/caller.ts'
import { ScopeNotHeld } from '#domain/access/errors.ts'
import { byTrustRule, tokenEvent } from '#domain/access/events.ts'
import type { Incidents } from '#domain/access/incidents/incidents.ts'
import { grantsOf } from '#domain/access/scope.ts'
import { missingOf, parseScopes } from '#domain/access/scope-request.ts'
import { hashToken, newToken } from '#domain/access/tokens/token.ts'
import { findTrustedAccount, insertToken } from '#domain/access/tokens/token-store.ts'
import type { QuotaService } from '#domain/quotas/service.ts'
import type { Clock } from '#lib/clock.ts'
import { AppError } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import { storableText } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { ExchangeRefused } from './errors.ts'
import { matchesRule, maxExchangedSeconds, type TrustRule } from './trust-rule.ts'
import { TrustedIssuer } from './trusted-issuer.ts'

const maxSubjectToken = 8_192
const maxName = 100

/** A short-lived token that was created for a token of another issuer. */
export interface ExchangedToken {
  readonly token: string
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  readonly expiresInSeconds: number
  /** The name of the trust rule. */
  readonly rule: string
}

export interface TokenExchangeDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly clock: Clock
  readonly quotas: Pick<QuotaService, 'mustHaveRoom'>
  readonly incidents: Incidents
  readonly rules: readonly TrustRule[]
  readonly outbound: GuardedFetch
  readonly log: Logger
}

/** Exchanges tokens of trusted issuers, such as those of CI jobs, for short-lived application tokens (RFC 8693). */
export function createTokenExchange(deps: TokenExchangeDeps) {
  const { sql, transact, clock, quotas, incidents, rules, outbound, log } = deps
  const issuers = new Map(rules.map(({ issuer }) => [issuer, new TrustedIssuer(issuer, { outbound, log })]))

  /**
   * Creates a token by the first rule that the subject token matches, with all scopes of the rule or with fewer.
   * @throws {ExchangeRefused} @throws {IssuerFailed} @throws {InvalidInput} @throws {ScopeNotHeld} @throws {QuotaExceeded}
   */
  async function exchange(
    subjectToken: string,
    wanted: readonly string[] | undefined,
    request: RequestOrigin,
  ): Promise<ExchangedToken> {
    try {
      const scopes = wanted && parseScopes(wanted)
      const { rule, accountId, claims } = await trusted(subjectToken)
      const missing = missingOf(scopes ?? [], grantsOf(rule.scopes))
      if (missing.length > 0) throw new ScopeNotHeld(missing)
      return await issue({ rule, accountId, claims, scopes: scopes ?? rule.scopes }, request)
    } catch (error) {
      if (error instanceof AppError)
        incidents.attempted('exchange', error instanceof ExchangeRefused ? error.reason : error.code, request)
      throw error
    }
  }

  async function trusted(token: string): Promise<{ rule: TrustRule; accountId: string; claims: JWTPayload }> {
    const issuer = issuerOf(token)
    const known = rules.filter((rule) => rule.issuer === issuer)
    if (issuer === undefined || known.length === 0) throw new ExchangeRefused('UNTRUSTED_ISSUER')
    const audiences = known.map(({ audience }) => audience)
    const claims = await issuers.get(issuer)?.verify(token, audiences)
    const rule = claims && known.find((one) => [claims.aud].flat().includes(one.audience) && matchesRule(one, claims))
    const accountId = rule && (await findTrustedAccount(sql, rule.account))
    if (claims === undefined || rule === undefined || accountId === undefined)
      throw new ExchangeRefused('NO_MATCHING_RULE')
    return { rule, accountId, claims }
  }

  async function issue(
    {
      rule,
      accountId,
      claims,
      scopes,
    }: { rule: TrustRule; accountId: string; claims: JWTPayload; scopes: readonly string[] },
    request: RequestOrigin,
  ): Promise<ExchangedToken> {
    const token = newToken()
    const id = newId()
    const seconds = rule.maxSeconds ?? maxExchangedSeconds
    const expiresAt = new Date(clock.now().getTime() + seconds * 1000)
    const subject = storableText((claims.sub ?? '').slice(0, 512))
    const name = storableText(`${rule.name}: ${subject}`.slice(0, maxName))
    const by = byTrustRule(rule.name, request)
    await transact(async (tx) => {
      await quotas.mustHaveRoom(tx, accountId, 'applicationTokens')
      const hash = hashToken(token)
      await insertToken(tx, { accountId, id, name, hash, role: 'APPLICATION', scopes, expiresAt, createdBy: by.actor })
      const facts = { rule: rule.name, issuer: rule.issuer, subject }
      const data = { name, scopes, expiresAt: expiresAt.toISOString(), ...facts }
      tx.journal(tokenEvent('auth.token_exchanged', { accountId, id }, by, data))
    })
    return { token, scopes, expiresAt, expiresInSeconds: seconds, rule: rule.name }
  }

  return { exchange }
}

/** The issuer that an unverified token names. @throws {ExchangeRefused} for what is not a JWT */
function issuerOf(token: string): string | undefined {
  if (token.length > maxSubjectToken) throw new ExchangeRefused('INVALID_TOKEN')
  try {
    return decodeJwt(token).iss
  } catch (cause) {
    throw new ExchangeRefused('INVALID_TOKEN', { cause })
  }
}
