import { z } from 'zod'
import {
  BeginSalesforceLoginDocument,
  FinishSalesforceLoginDocument,
  OpenSalesforceOrgDocument,
  RegisterSalesforceOrgDocument,
  RegisterSalesforceSandboxDocument,
  RemoveSalesforceOrgDocument,
  SalesforceOrgDocument,
  SalesforceOrgPagesDocument,
  SalesforceOrgsDocument,
  TestSalesforceOrgDocument,
} from '#transport/rest/generated/graphql.ts'
import { answerPage, linkHeader, listQuery, placeOf } from '#transport/rest/paging.ts'
import { found } from '#transport/rest/refused.ts'
import { type Answer, defineRoute, json, type Route } from '#transport/rest/route.ts'
import {
  salesforceOrgExample as example,
  kindOfType,
  organizationTypes,
  readMetadataFilter,
  salesforceOrg,
  toSalesforceOrg,
} from '#transport/rest/salesforce-org.ts'
import { publicOrigin } from '#transport/rest/signed-in.ts'

const tag = 'Salesforce'

const username = z.object({ username: z.string().describe('Of the org, or its id.') })
const flag = z.enum(['true', 'false'], 'must be true or false')
const settings = {
  isDevHub: z.boolean().optional().describe('Whether it counts as a Dev Hub; as Salesforce says when absent.'),
  isDefault: z.boolean().optional().describe('Whether it is the default org, instead of the one that is.'),
  metadata: z.record(z.string(), z.unknown()).optional().describe('Texts, numbers, true, false and null to filter by.'),
}

const registered = salesforceOrg
  .extend({ warnings: z.array(z.string()).describe('What you should know about it.') })
  .meta({ id: 'RegisteredSalesforceOrg', description: 'An org that was registered just now.' })
const registeredAnswer = {
  201: {
    description: 'A connection to it has succeeded, and it is stored.',
    schema: registered,
    example: { ...example, warnings: [] },
  },
}

const registration = z
  .strictObject({
    sfdxAuthUrl: z.string().optional().describe('`force://<client id>:<client secret>:<refresh token>@<host>`.'),
    clientId: z.string().optional().describe('The consumer key of the app, with `privateKey` or `clientSecret`.'),
    privateKey: z.string().optional().describe('The RSA key of the app’s certificate in PEM: the JWT bearer flow.'),
    clientSecret: z.string().optional().describe('The consumer secret of the app: the client credentials flow.'),
    username: z.string().optional().describe('As whom the server acts; required for the JWT bearer flow.'),
    instanceUrl: z
      .string()
      .optional()
      .describe('Where tokens are requested, such as `https://acme.my.salesforce.com`; an auth URL has its own.'),
    ...settings,
  })
  .meta({ id: 'SalesforceRegistration', description: 'An org to register.' })

/** What this door calls the inputs. */
const names = {
  authUrl: 'sfdxAuthUrl',
  loginUrl: 'instanceUrl',
  jwtBearer: 'body',
  clientCredentials: 'body',
  production: 'productionUsername',
}

function registrationInput({
  sfdxAuthUrl,
  clientId = '',
  privateKey,
  clientSecret,
  instanceUrl,
  ...rest
}: z.output<typeof registration>) {
  return {
    ...rest,
    ...(sfdxAuthUrl !== undefined && { authUrl: sfdxAuthUrl }),
    ...(privateKey !== undefined && { jwtBearer: { clientId, privateKey, username: rest.username ?? '' } }),
    ...(clientSecret !== undefined && { clientCredentials: { clientId, clientSecret } }),
    // An auth URL says itself where its tokens come from.
    ...(instanceUrl !== undefined && sfdxAuthUrl === undefined && { loginUrl: instanceUrl }),
  }
}

/** Rows about Salesforce orgs; `publicUrl` is where this installation is reached. */
export function salesforceRoutes(publicUrl: string | undefined): readonly Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/auth/salesforce/register',
      name: 'registerSalesforceOrg',
      tag,
      summary: 'Registers a Salesforce org, once a connection to it has succeeded.',
      description: 'A known username is updated. A connection that fails is answered with 400, and nothing is stored.',
      body: registration,
      bodyExamples: {
        'auth URL': { sfdxAuthUrl: 'force://PlatformCLI::5Aep861…@acme.my.salesforce.com', isDefault: true },
        'JWT bearer': { clientId: '3MVG9…', username: 'ci@acme.example', privateKey: '-----BEGIN PRIVATE KEY-----…' },
      },
      answers: registeredAnswer,
      refusals: [400],
      document: RegisterSalesforceOrgDocument,
      names,
      variables: ({ body }) => ({ input: registrationInput(body) }),
      answer: ({ registerSalesforceOrg: { org, warnings } }) => json(201, { ...toSalesforceOrg(org), warnings }),
    }),
    defineRoute({
      method: 'post',
      path: '/auth/salesforce/register-sandbox-by-name',
      name: 'registerSalesforceSandbox',
      tag,
      summary: 'Registers a sandbox by its name, through its production org.',
      body: z
        .strictObject({
          sandboxName: z.string().describe('Its name in the production org.'),
          productionUsername: z.string().describe('The username of the production org, which is registered.'),
          ...settings,
        })
        .meta({ id: 'SandboxRegistration', description: 'A sandbox to register.' }),
      bodyExamples: { sandbox: { sandboxName: 'dev1', productionUsername: 'ci@acme.example' } },
      answers: registeredAnswer,
      refusals: [400, 404, 409],
      document: RegisterSalesforceSandboxDocument,
      names,
      variables: ({ body: { productionUsername, ...rest } }) => ({
        input: { ...rest, production: productionUsername },
      }),
      answer: ({ registerSalesforceSandbox: { org, warnings } }) => json(201, { ...toSalesforceOrg(org), warnings }),
    }),
    defineRoute({
      method: 'get',
      path: '/auth/salesforce/login',
      name: 'beginSalesforceLogin',
      tag,
      summary: 'Starts to register an org by the web flow with PKCE, and sends the person to Salesforce.',
      description:
        'The app needs the callback URL `<PUBLIC_URL>/api/auth/salesforce/callback`. For an app that needs its secret, use the mutation `beginSalesforceLogin`: secrets do not belong into addresses.',
      query: z.object({
        clientId: z.string().describe('The consumer key of the app.'),
        loginUrl: z
          .string()
          .optional()
          .describe('Where the person logs in; `https://login.salesforce.com` when absent.'),
        username: z.string().optional().describe('Who has to approve; anybody when absent.'),
        isDefault: flag.optional().describe('Whether it is the default org afterwards.'),
        redirect: flag.default('true').describe('`false`: answers with the address instead of redirecting.'),
      }),
      headers: z.object({ host: z.string() }),
      answers: {
        200: {
          description: 'Without redirecting.',
          schema: z.object({ url: z.string(), expiresAt: z.iso.datetime() }).meta({ id: 'SalesforceLogin' }),
        },
        302: { description: 'To Salesforce.' },
      },
      document: BeginSalesforceLoginDocument,
      variables: ({ query: { clientId, loginUrl = null, username: user = null, isDefault }, headers, prefix }) => ({
        input: {
          clientId,
          loginUrl,
          username: user,
          isDefault: isDefault === undefined ? null : isDefault === 'true',
          redirectUri: `${publicOrigin(publicUrl, headers.host)}${prefix}/auth/salesforce/callback`,
        },
      }),
      answer: ({ beginSalesforceLogin: { url, expiresAt } }, { query }): Answer =>
        query.redirect === 'false' ? json(200, { url, expiresAt }) : { status: 302, headers: { location: url } },
    }),
    defineRoute({
      method: 'get',
      path: '/auth/salesforce/callback',
      name: 'finishSalesforceLogin',
      tag,
      summary: 'Registers the org that a person comes back from.',
      access: 'open',
      // Salesforce may add parameters.
      query: z.looseObject({
        state: z.string().optional(),
        code: z.string().optional(),
        error: z.string().optional(),
        error_description: z.string().optional(),
      }),
      answers: {
        200: {
          description: 'The org is registered.',
          schema: z
            .object({ success: z.literal(true), message: z.string(), id: z.string(), username: z.string() })
            .meta({ id: 'FinishedSalesforceLogin' }),
        },
      },
      refusals: [400, 403],
      document: FinishSalesforceLoginDocument,
      variables({ query }) {
        const given = Object.entries(query).filter(([, value]) => value !== undefined) as [string, string][]
        return { input: { parameters: new URLSearchParams(given).toString() } }
      },
      answer: ({ finishSalesforceLogin: { orgId: id, username: user } }) =>
        json(200, {
          success: true,
          message: `The Salesforce org of ${user} is registered. You can close this page.`,
          id,
          username: user,
        }),
    }),
    defineRoute({
      method: 'get',
      path: '/auth/salesforce/orgs',
      name: 'listSalesforceOrgs',
      tag,
      summary: 'Lists the account’s Salesforce orgs, those first that were registered last.',
      query: z.object({
        type: z.array(z.enum(organizationTypes)).optional().describe('One of these.'),
        devhub: flag.optional().describe('Only Dev Hubs, or only others.'),
        metadata: z
          .string()
          .max(4_096)
          .optional()
          .describe('Members that all must match: `k=v,k=v`, or a JSON object.'),
        ...listQuery(),
      }),
      answers: {
        200: {
          description: 'A page of orgs.',
          schema: z.array(salesforceOrg),
          headers: linkHeader,
          example: [example],
        },
      },
      document: SalesforceOrgsDocument,
      async variables({ query, operations }) {
        const where = {
          kind: query.type?.map(kindOfType) ?? null,
          isDevHub: query.devhub === undefined ? null : query.devhub === 'true',
          metadata: query.metadata === undefined ? null : readMetadataFilter(query.metadata),
        }
        const pageInfo = async (page: { first: number; after: string | null }) =>
          (await operations.run(SalesforceOrgPagesDocument, { ...where, ...page })).salesforceOrgs.pageInfo
        return { ...where, first: query.limit, after: await placeOf(query, pageInfo) }
      },
      answer: ({ salesforceOrgs: { nodes, pageInfo } }, asked) =>
        answerPage(nodes.map(toSalesforceOrg), pageInfo, asked),
    }),
    defineRoute({
      method: 'get',
      path: '/auth/salesforce/org',
      name: 'getSalesforceOrg',
      tag,
      summary: 'Shows a Salesforce org.',
      query: username,
      answers: { 200: { description: 'The org.', schema: salesforceOrg, example } },
      refusals: [404],
      document: SalesforceOrgDocument,
      variables: ({ query }) => ({ org: query.username }),
      answer: ({ salesforceOrg: org }, { query }) =>
        json(200, toSalesforceOrg(found(org, `Salesforce org ${query.username}`))),
    }),
    defineRoute({
      method: 'delete',
      path: '/auth/salesforce/org',
      name: 'removeSalesforceOrg',
      tag,
      summary: 'Removes a Salesforce org with its credential, and revokes its authorization at Salesforce.',
      query: username.extend({ revoke: flag.default('true').describe('`false`: the authorization stays.') }),
      answers: {
        200: {
          description: 'It is removed.',
          schema: z
            .object({
              message: z.string(),
              username: z.string(),
              revoked: z.boolean(),
              revocationError: z.string().nullable().describe('Why it could not be revoked: do it in the org’s setup.'),
            })
            .meta({ id: 'RemovedSalesforceOrg' }),
        },
      },
      refusals: [404],
      document: RemoveSalesforceOrgDocument,
      variables: ({ query }) => ({ input: { org: query.username, revoke: query.revoke === 'true' } }),
      answer: ({ removeSalesforceOrg: { username: user, isRevoked, revocationError } }) =>
        json(200, { message: 'The Salesforce org was removed.', username: user, revoked: isRevoked, revocationError }),
    }),
    defineRoute({
      method: 'get',
      path: '/auth/salesforce/frontdoor',
      name: 'openSalesforceOrg',
      tag,
      summary: 'Opens a Salesforce org in a browser, as its user.',
      description: 'The link is a secret that works once, unless the app lacks the scope `web`. Each call is audited.',
      query: z.object({
        target: z.string().describe('The org, by username or id.'),
        path: z.string().optional().describe('Where in the org; its home when absent.'),
        redirect: flag.default('true').describe('`false`: answers with the link instead of redirecting.'),
      }),
      answers: {
        200: {
          description: 'Without redirecting.',
          schema: z.object({ url: z.string(), oneTime: z.boolean() }).meta({ id: 'FrontDoor' }),
        },
        302: { description: 'To the org.' },
      },
      refusals: [404, 409, 502],
      document: OpenSalesforceOrgDocument,
      variables: ({ query: { target: org, path = null } }) => ({ input: { org, path } }),
      answer: ({ openSalesforceOrg: { url, isOneTime } }, { query }): Answer =>
        query.redirect === 'false'
          ? json(200, { url, oneTime: isOneTime })
          : { status: 302, headers: { location: url, 'referrer-policy': 'no-referrer' } },
    }),
    defineRoute({
      method: 'post',
      path: '/auth/salesforce/test-connection',
      name: 'testSalesforceOrg',
      tag,
      summary: 'Connects to a Salesforce org, and says how that went.',
      body: username.meta({ id: 'SalesforceConnectionTestRequest', description: 'The org to connect to.' }),
      bodyExamples: { org: { username: example.username } },
      answers: {
        200: {
          description: 'Whether there is a connection.',
          schema: z
            .object({
              success: z.boolean(),
              username: z.string(),
              orgId: z.string(),
              instanceUrl: z.string(),
              apiVersion: z.string().nullable(),
              latencyMs: z.int(),
              error: z.string().optional().describe('Why there is none, in Salesforce’s own words.'),
            })
            .meta({ id: 'SalesforceConnectionTest' }),
        },
      },
      refusals: [404],
      document: TestSalesforceOrgDocument,
      variables: ({ body }) => ({ input: { org: body.username } }),
      answer({ testSalesforceOrg: { org, isConnected: success, apiVersion, latencyMs, error } }) {
        const { username: user, orgId, instanceUrl } = org
        const facts = { success, username: user, orgId, instanceUrl, apiVersion, latencyMs }
        return json(200, { ...facts, ...(error !== null && { error }) })
      },
    }),
  ]
}
