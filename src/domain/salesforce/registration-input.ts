import { z } from 'zod'
import { type InputIssue, type InvalidInput, invalidInput } from '#lib/errors.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import { inWords, issuesOf } from '#lib/parse.ts'
import { type Credential, readAuthUrl, readPrivateKey } from './credential.ts'
import type { SalesforceHosts } from './hosts.ts'

const maxMetadataBytes = 16 * 1024

const text = z.string().trim().min(1, 'must not be empty').max(2_000)
const username = text.max(255).transform((name) => name.toLowerCase())
const scalar = z.union(
  [z.string().max(1_000), z.number(), z.boolean(), z.null()],
  'must be a text, a number, true, false or null',
)

/** What people decide about an org. */
const settings = {
  isDefault: z.boolean().optional(),
  isDevHub: z.boolean().optional(),
  metadata: z
    .record(z.string().min(1).max(100), scalar, 'must be an object of texts, numbers, true, false and null')
    .refine(
      (all) => Buffer.byteLength(JSON.stringify(all)) <= maxMetadataBytes,
      `must have at most ${maxMetadataBytes} bytes`,
    )
    .refine(isStorable, unstorable)
    .optional(),
}

const registration = z.strictObject({
  jwtBearer: z.strictObject({ clientId: text, username, privateKey: z.string().min(1).max(16_384) }).optional(),
  clientCredentials: z.strictObject({ clientId: text, clientSecret: text }).optional(),
  authUrl: z.string().max(8_192).optional(),
  loginUrl: text.optional(),
  username: username.optional(),
  ...settings,
})
export type OrgRegistrationInput = z.input<typeof registration>

const settingsSchema = z.strictObject(settings)
export type OrgSettings = z.output<typeof settingsSchema>

/** What an org is to be registered with. */
export interface OrgRegistration extends OrgSettings {
  readonly loginUrl: string
  readonly credential: Credential
  /** Whose authorization it has to be. */
  readonly username: string | undefined
}

const waysToRegister = ['jwtBearer', 'clientCredentials', 'authUrl'] as const

/** Reads what somebody wants to register. @throws {InvalidInput} with everything that is wrong */
export function parseRegistration(input: OrgRegistrationInput, hosts: SalesforceHosts): OrgRegistration {
  const parsed = registration.safeParse(input, inWords)
  if (!parsed.success) throw invalidOrg(issuesOf(parsed.error))
  const { jwtBearer, clientCredentials, authUrl, loginUrl, ...rest } = parsed.data
  const given = waysToRegister.filter((way) => parsed.data[way] !== undefined)
  if (given.length !== 1) throw invalidOrg([{ path: '', message: `needs exactly one of ${waysToRegister.join(', ')}` }])
  const { isDefault, isDevHub, metadata } = rest
  const common = { isDefault, isDevHub, metadata, username: rest.username }
  if (jwtBearer !== undefined) {
    readPrivateKey(jwtBearer.privateKey, 'jwtBearer.privateKey')
    if (rest.username !== undefined && rest.username !== jwtBearer.username)
      throw invalidOrg([{ path: 'username', message: 'must be the same as jwtBearer.username' }])
    const credential = { method: 'JWT_BEARER', ...jwtBearer } as const
    const origin = hosts.originOf(loginUrl ?? hosts.defaultLogin, 'loginUrl')
    return { ...common, username: jwtBearer.username, loginUrl: origin, credential }
  }
  if (clientCredentials !== undefined) {
    if (loginUrl === undefined)
      throw invalidOrg([
        { path: 'loginUrl', message: 'is missing: client credentials work at the org’s My Domain only' },
      ])
    const credential = { method: 'CLIENT_CREDENTIALS', ...clientCredentials } as const
    return { ...common, loginUrl: hosts.originOf(loginUrl, 'loginUrl'), credential }
  }
  const { host, ...tokens } = readAuthUrl(authUrl ?? '', 'authUrl')
  return { ...common, loginUrl: hosts.originOf(host, 'authUrl'), credential: { method: 'AUTH_URL', ...tokens } }
}

/** Reads what somebody decides about an org. @throws {InvalidInput} */
export function parseSettings(input: z.input<typeof settingsSchema>): OrgSettings {
  const parsed = settingsSchema.safeParse(input, inWords)
  if (!parsed.success) throw invalidOrg(issuesOf(parsed.error))
  return parsed.data
}

export function invalidOrg(issues: readonly InputIssue[]): InvalidInput {
  return invalidInput('The Salesforce org', issues)
}
