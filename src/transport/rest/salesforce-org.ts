import { z } from 'zod'
import { isRecord } from '#lib/json.ts'
import type { SalesforceOrgFactsFragment, SalesforceOrgKind } from './generated/graphql.ts'
import { Refused } from './refused.ts'

export const organizationTypes = ['production', 'sandbox', 'scratch', 'developer'] as const

const methods = ['jwt-bearer', 'web', 'client-credentials', 'auth-url'] as const
const states = ['active', 'needs-reauthorization', 'blocked', 'locked', 'maintenance'] as const

export const salesforceOrg = z
  .object({
    id: z.string(),
    username: z.string().describe('As whom the server acts in the org, in lower case.'),
    instanceUrl: z.string(),
    orgId: z.string().describe('18 characters.'),
    organizationType: z.enum(organizationTypes),
    edition: z.string().describe('As Salesforce names it, such as "Enterprise Edition".'),
    name: z.string().describe('Of the organization.'),
    instanceName: z.string(),
    parentProductionUsername: z
      .string()
      .nullable()
      .describe('Of a sandbox that was registered by name: the username in its production org.'),
    isJitRegistration: z.boolean().describe('Whether it was registered through its production org.'),
    isDevHub: z.boolean(),
    isDefault: z.boolean(),
    metadata: z.record(z.string(), z.unknown()),
    method: z.enum(methods).describe('How access tokens are requested.'),
    state: z.enum(states).describe('Whether the org can be used, as of its last use.'),
    stateMessage: z.string().nullable().describe('Why it is not active, in Salesforce’s own words.'),
    expiresAt: z.iso.datetime().nullable().describe('When Salesforce deletes a scratch or trial org.'),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'SalesforceOrg', description: 'A registered Salesforce org.' })

export const salesforceOrgExample = {
  id: '019e7c3a-5b1e-7c3a-8a51-3f5d0c9a4b12',
  username: 'ci@acme.example',
  instanceUrl: 'https://acme.my.salesforce.com',
  orgId: '00D5g00000ABCDEEA0',
  organizationType: 'production',
  edition: 'Enterprise Edition',
  name: 'Acme',
  instanceName: 'NA42',
  parentProductionUsername: null,
  isJitRegistration: false,
  isDevHub: true,
  isDefault: true,
  metadata: { team: 'billing' },
  method: 'jwt-bearer',
  state: 'active',
  stateMessage: null,
  expiresAt: null,
  createdAt: '2026-12-01T10:00:00.000Z',
  updatedAt: '2026-12-01T10:00:00.000Z',
}

/** An org in the documented shape. */
export function toSalesforceOrg(org: SalesforceOrgFactsFragment): z.output<typeof salesforceOrg> {
  const { kind, parentUsername, method, state, metadata, ...facts } = org
  return {
    ...facts,
    organizationType: lower(kind),
    parentProductionUsername: parentUsername,
    isJitRegistration: parentUsername !== null,
    metadata: metadata as Record<string, unknown>,
    method: lower(method),
    state: lower(state),
  }
}

type Lower<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? `${Lowercase<Head>}-${Lower<Rest>}`
  : Lowercase<Name>

function lower<Name extends string>(name: Name): Lower<Name> {
  return name.toLowerCase().replaceAll('_', '-') as Lower<Name>
}

export function kindOfType(type: (typeof organizationTypes)[number]): SalesforceOrgKind {
  return type.toUpperCase() as SalesforceOrgKind
}

/** Members to filter by, as `k=v,k=v` or as JSON. @throws {Refused} */
export function readMetadataFilter(text: string): Record<string, unknown> {
  if (text.trimStart().startsWith('{')) return readJson(text)
  const entries = text.split(',').map((part) => {
    const at = part.indexOf('=')
    if (at < 1) throw refused()
    return [part.slice(0, at).trim(), part.slice(at + 1).trim()] as const
  })
  return Object.fromEntries(entries)
}

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // Refused below, like JSON of another shape.
  }
  throw refused()
}

function refused(): Refused {
  return new Refused('MALFORMED_REQUEST', '`metadata` must be k=v,k=v or a JSON object.')
}
