import { generateKeyPairSync } from 'node:crypto'
import { type GraphqlAnswer, graphql } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import type { FakeApp, FakeOrg } from './model.ts'
import type { FakeSalesforce } from './server.ts'

type At = Pick<TestServer, 'url' | 'token'>

export interface ToldOrg {
  readonly id: string
  readonly username: string
  readonly orgId: string
  readonly kind: string
  readonly edition: string
  readonly instanceUrl: string
  readonly isDefault: boolean
  readonly isDevHub: boolean
  readonly parentUsername: string | null
  readonly expiresAt: string | null
  readonly metadata: Record<string, unknown>
  readonly method: string
  readonly state: string
  readonly stateMessage: string | null
  readonly newestApiVersion: string
}

const orgFields = `id username orgId kind edition instanceUrl isDefault isDevHub parentUsername expiresAt metadata
  method state stateMessage newestApiVersion`
const failureFields = `... on Failure { code message } ... on InvalidInput { issues { path message } }
  ... on SalesforceConnectionFailed { reason } ... on SalesforceOrgUnusable { state }`

/** What a mutation answers with: its payload's fields, or why it did nothing. */
export interface Told {
  readonly code?: string
  readonly message?: string
  readonly reason?: string
  readonly state?: string
  readonly issues?: readonly { readonly path: string; readonly message: string }[]
  readonly org: ToldOrg
  readonly warnings: readonly string[]
  readonly isConnected: boolean
  readonly error: string | null
  readonly apiVersion: string | null
  readonly url: string
  readonly isOneTime: boolean
  readonly isRevoked: boolean
  readonly revocationError: string | null
}

const payloads: Readonly<Record<string, string>> = {
  RegisterSalesforceOrg: `warnings org { ${orgFields} }`,
  RegisterSalesforceSandbox: `warnings org { ${orgFields} }`,
  UpdateSalesforceOrg: `org { ${orgFields} }`,
  TestSalesforceOrg: `isConnected error apiVersion org { ${orgFields} }`,
  OpenSalesforceOrg: 'url isOneTime',
  RemoveSalesforceOrg: 'isRevoked revocationError',
  BeginSalesforceLogin: 'url',
}

/** Calls a mutation about Salesforce orgs, by the name of its payload's beginning. */
export async function callSalesforce(at: At, name: string, input: object, token?: string): Promise<Told> {
  const field = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
  const query = `mutation ($input: ${name}Input!) { ${field}(input: $input) {
    ... on ${name}Payload { ${payloads[name]} } ${failureFields.split('\n').join(' ')} } }`
  const answer: GraphqlAnswer<Record<string, Told>> = await graphql(at, usable(query, name), { input }, token)
  const [error] = answer.errors ?? []
  if (error !== undefined) return { code: String(error.extensions?.['code']), message: error.message } as Told
  return answer.data?.[field] as Told
}

const failuresOf: Readonly<Record<string, readonly string[]>> = {
  RegisterSalesforceOrg: ['InvalidInput', 'SalesforceConnectionFailed'],
  RegisterSalesforceSandbox: ['InvalidInput', 'SalesforceConnectionFailed', 'SalesforceOrgUnusable'],
  UpdateSalesforceOrg: ['InvalidInput'],
  TestSalesforceOrg: [],
  OpenSalesforceOrg: ['InvalidInput', 'SalesforceOrgUnusable'],
  RemoveSalesforceOrg: [],
  BeginSalesforceLogin: ['InvalidInput'],
}

/** Only failures that the mutation can have may be asked for. */
function usable(query: string, name: string): string {
  return query.replaceAll(/\.\.\. on (\w+) \{ [^{}]*(?:\{[^{}]*\})?[^{}]*\}/g, (selection, type: string) =>
    type === 'Failure' || type === `${name}Payload` || failuresOf[name]?.includes(type) ? selection : '',
  )
}

/** All orgs that the account has. */
export async function listOrgs(at: At, args = '', token?: string): Promise<ToldOrg[]> {
  const query = `{ salesforceOrgs${args} { nodes { ${orgFields} } } }`
  const { data, errors } = await graphql<{ salesforceOrgs: { nodes: ToldOrg[] } }>(at, query, {}, token)
  if (data == null) throw new Error(JSON.stringify(errors))
  return data.salesforceOrgs.nodes
}

/** A private key in PEM, and its public half. */
export function newRsaKey(bits = 2_048): { privateKey: string; publicKey: string } {
  return generateKeyPairSync('rsa', {
    modulusLength: bits,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}

const key = newRsaKey()

/** An app for the JWT bearer flow that an org's user is approved for, and what registers the org with it. */
export function jwtApp(salesforce: FakeSalesforce, org: FakeOrg): { app: FakeApp; input: Record<string, unknown> } {
  const username = org.users[0]?.username ?? ''
  const app = salesforce.model.addApp({ publicKey: key.publicKey, approved: new Set([username]) })
  const jwtBearer = { clientId: app.clientId, username, privateKey: key.privateKey }
  return { app, input: { jwtBearer, loginUrl: salesforce.urlOf(org) } }
}

/** The SFDX auth URL of a new grant of an org's user. */
export function authUrlOf(salesforce: FakeSalesforce, org: FakeOrg, app: FakeApp): string {
  const { refreshToken } = salesforce.model.addGrant(app, org)
  const secret = app.needsSecret ? app.clientSecret : ''
  return `force://${app.clientId}:${secret}:${refreshToken}@${new URL(salesforce.urlOf(org)).host}`
}
