import { z } from 'zod'
import { parseGrant } from '#domain/access/scope.ts'

/** Which tokens of an outside issuer, such as those of CI jobs, are exchanged for tokens of ours, and with which scopes. */
export interface TrustRuleConfig {
  /** Issuer identifier, which the discovery document is found by. */
  readonly issuer: string
  /** An audience that the token's `aud` must contain: a value that is used for this installation only. */
  readonly audience: string
  /**
   * Claims that the token must have, each with one of these values. `*` stands for any text without a slash, `**` for any
   * text; at most two of them in a value.
   */
  readonly claims: Readonly<Record<string, string | readonly string[]>>
  readonly scopes: readonly string[]
  /** Lifetime of the tokens, in seconds: 60 to 3600. Default: 3600. */
  readonly maxSeconds?: number
  /** The account that the tokens belong to, by its id. Default: the installation's first. */
  readonly account?: string
}

/** A rule with the name that it has in the configuration. */
export interface TrustRule extends TrustRuleConfig {
  readonly name: string
}

/** Also the default. */
export const maxExchangedSeconds = 3_600
const maxClaimLength = 512
const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether keys may be fetched from an address: HTTPS or, for development, this machine. */
export function isIssuerUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopbackHosts.has(url.hostname))
}

const text = z.string('must be a text').min(1, 'must not be empty').max(maxClaimLength)
const pattern = text.refine((value) => (value.match(/\*+/g) ?? []).length <= 2, 'must have at most two wildcards')
const scope = text.refine((value) => {
  const grant = parseGrant(value)
  // With it a token of an hour could create tokens that outlast it.
  return grant !== undefined && grant.scope !== 'access:admin'
}, 'must be a scope, such as tasks:write:type=deploy.*, other than access:admin')

const ruleSchema = z.strictObject({
  issuer: text.refine(isIssuerUrl, 'must be an https: address').refine((value) => !/[?#]/.test(value), {
    message: 'must have no query and no fragment',
  }),
  audience: text,
  claims: z
    .record(
      text,
      z.union([pattern, z.array(pattern).min(1)], 'must be a text or a list of texts, with at most two wildcards'),
    )
    .refine((claims) => Object.keys(claims).length > 0, 'must name at least one claim: the issuer serves others too'),
  scopes: z.array(scope, 'must be a list').min(1, 'must name at least one').max(50, 'must be at most 50'),
  maxSeconds: z
    .int('must be a whole number')
    .min(60, 'must be at least 60')
    .max(maxExchangedSeconds, `must be at most ${maxExchangedSeconds}`)
    .optional(),
  account: z.uuid('must be the id of an account').optional(),
})

const ruleName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'has a name with other than a-z, 0-9 and -')

/** The part `trust` of a configuration file. */
export const trustSchema = z.record(ruleName, ruleSchema, 'must be an object of trust rules by their names')

/** Whether verified claims match a rule. Lists and objects never match. */
export function matchesRule(rule: TrustRule, claims: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(rule.claims).every(([name, wanted]) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false
    const found = String(value)
    return found.length <= maxClaimLength && [wanted].flat().some((one) => matchesPattern(one, found))
  })
}

/** With two wildcards in texts of this length, matching takes at most some ten thousand steps. */
function matchesPattern(wanted: string, found: string): boolean {
  if (!wanted.includes('*')) return wanted === found
  const parts = wanted.split(/(\*+)/).map((part) => {
    if (part === '*') return '[^/]*'
    return part.startsWith('**') ? '[^]*' : part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&')
  })
  return new RegExp(`^(?:${parts.join('')})$`).test(found)
}
