import { answerBulk } from './bulk-api.ts'
import { answerDeploy, answerSoap } from './metadata-api.ts'
import type { FakeModel, FakeOrg } from './model.ts'
import type { FakeAnswer, FakeRequest } from './oauth.ts'
import { ApiRefusal } from './refusal.ts'
import { abortTests, runTests, testRecords } from './test-api.ts'

/** What the fake's orgs offer. */
const versions = ['40.0', '41.0', '60.0', '65.0', '66.0', '67.0']
/** Records in one answer to a query. */
const pageSize = 2_000

/** The REST API below `/services/data`; undefined for other paths. */
export async function answerRestApi(model: FakeModel, request: FakeRequest): Promise<FakeAnswer | undefined> {
  const soap = model.orgAt(request.host)
  if (soap !== undefined && /^\/services\/Soap\/m\/\d+\.0$/.test(request.path))
    return answerSoap(soap, request, (session) => model.grantOf(session)?.org === soap)
  if (!request.path.startsWith('/services/data')) return undefined
  const org = model.orgAt(request.host)
  if (org === undefined) return { status: 404, body: 'no such org' }
  if (/^\/services\/data\/?$/.test(request.path))
    return {
      status: 200,
      body: versions.map((version) => ({ label: version, url: `/services/data/v${version}`, version })),
    }
  try {
    const answer = await answerVersioned(model, org, request)
    return { ...answer, headers: { 'sforce-limit-info': usageOf(org), ...answer.headers } }
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    return error.answer()
  }
}

function usageOf({ limits }: FakeOrg): string {
  const { Max = 0, Remaining = 0 } = limits['DailyApiRequests'] ?? {}
  return `api-usage=${Max - Remaining}/${Max}`
}

function answerVersioned(model: FakeModel, org: FakeOrg, request: FakeRequest): FakeAnswer | Promise<FakeAnswer> {
  const [, version = '', path = ''] = /^\/services\/data\/v([\d.]+)(\/.*)$/.exec(request.path) ?? []
  if (!versions.includes(version)) throw new ApiRefusal(404, 'NOT_FOUND', 'The requested resource does not exist')
  const token = /^Bearer (.+)$/.exec(request.headers['authorization'] ?? '')?.[1] ?? ''
  if (model.grantOf(token)?.org !== org) throw new ApiRefusal(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
  if (org.status !== 'active') throw new ApiRefusal(403, 'ORG_LOCKED', 'organization is locked')
  if (path.startsWith('/jobs/query')) return answerBulk(org.work, path, request)
  if (path.startsWith('/metadata/')) return answerDeploy(org, path, request)
  if (path === '/tooling/runTestsAsynchronous') return runTests(org.work, request)
  if (path === '/composite/sobjects') return abortTests(org.work, request)
  if (path === '/limits') return { status: 200, body: org.limits }
  if (path === '/query' || path === '/query/') return query(org, version, request.query.get('q') ?? '')
  const more = /^\/query\/(\w+)-(\d+)$/.exec(path)
  if (more) return page(org, version, more[1] ?? '', Number(more[2]))
  const user = org.users.find(({ id }) => path === `/sobjects/User/${id}`)
  if (user !== undefined && request.query.get('fields') === 'Username')
    return { status: 200, body: { attributes: { type: 'User' }, Username: user.username, Id: user.id } }
  if (path === '/tooling/query' || path === '/tooling/query/') return toolingQuery(model, org, request)
  if (path === '/tooling/sandboxAuth') return sandboxAuth(model, org, request)
  throw new ApiRefusal(404, 'NOT_FOUND', 'The requested resource does not exist')
}

function query(org: FakeOrg, version: string, soql: string): FakeAnswer {
  const [, object] = /^\s*select\s+[\w\s,().]+?\s+from\s+(\w+)/i.exec(soql) ?? []
  if (object === undefined)
    throw new ApiRefusal(400, 'MALFORMED_QUERY', `${soql.slice(0, 40)}\n^\nERROR at Row:1:Column:1\nunexpected token`)
  if (object === 'ScratchOrgInfo' && !org.isDevHub) throw unsupported(object)
  if (object === 'Organization') return records(version, object, [organization(org)])
  if (object === 'ScratchOrgInfo') return records(version, object, [])
  if (!org.records.has(object)) throw unsupported(object)
  return page(org, version, object, 0)
}

function unsupported(object: string): ApiRefusal {
  return new ApiRefusal(400, 'INVALID_TYPE', `sObject type '${object}' is not supported.`)
}

function organization({ id, name, kind, expiresOn }: FakeOrg): Record<string, unknown> {
  return {
    Id: id,
    Name: name,
    InstanceName: kind === 'sandbox' || kind === 'scratch' ? 'CS42' : 'NA42',
    OrganizationType: kind === 'production' ? 'Enterprise Edition' : 'Developer Edition',
    IsSandbox: kind === 'sandbox' || kind === 'scratch',
    TrialExpirationDate: expiresOn === null ? null : `${expiresOn}T00:00:00.000+0000`,
    NamespacePrefix: null,
  }
}

function page(org: FakeOrg, version: string, object: string, from: number): FakeAnswer {
  const all = org.records.get(object) ?? []
  const end = from + pageSize
  const more = end < all.length ? { nextRecordsUrl: `/services/data/v${version}/query/${object}-${end}` } : {}
  return records(version, object, all.slice(from, end), { totalSize: all.length, done: end >= all.length, ...more })
}

function records(
  version: string,
  object: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  facts: object = { totalSize: rows.length, done: true },
): FakeAnswer {
  const attributes = { type: object, url: `/services/data/v${version}/sobjects/${object}` }
  return { status: 200, body: { ...facts, records: rows.map((row) => ({ attributes, ...row })) } }
}

function sandboxNamed(model: FakeModel, org: FakeOrg, name: string): FakeOrg | undefined {
  return model.orgs.find((one) => one.parent === org && one.sandboxName === name)
}

function toolingQuery(model: FakeModel, org: FakeOrg, request: FakeRequest): FakeAnswer {
  const soql = request.query.get('q') ?? ''
  const tests = testRecords(org.work, soql)
  if (tests !== undefined) return records('66.0', 'ApexTestResult', tests)
  const [, name] = /from SandboxProcess where SandboxName\s*=\s*'(\w+)'/i.exec(soql) ?? []
  if (name === undefined) throw new ApiRefusal(400, 'MALFORMED_QUERY', 'unexpected token')
  const sandbox = sandboxNamed(model, org, name)
  const row = {
    Id: '0GR000000000001AAA',
    Status: 'Completed',
    SandboxName: name,
    EndDate: '2026-01-01T00:00:00.000+0000',
  }
  return records('66.0', 'SandboxProcess', sandbox === undefined ? [] : [row])
}

function sandboxAuth(model: FakeModel, org: FakeOrg, request: FakeRequest): FakeAnswer {
  if (request.method !== 'POST') throw new ApiRefusal(405, 'METHOD_NOT_ALLOWED', 'HTTP Method not allowed')
  const { clientId, sandboxName, callbackUrl } = JSON.parse(request.body) as Record<string, string>
  const app = model.apps.find((one) => one.clientId === clientId)
  const sandbox = sandboxNamed(model, org, sandboxName ?? '')
  const [user] = sandbox?.users ?? []
  if (sandbox === undefined || user === undefined || app === undefined || callbackUrl === undefined)
    throw new ApiRefusal(400, 'INVALID_STATUS', 'The sandbox can’t be authenticated yet.')
  const [, port = ''] = request.host.split(':')
  const grant = model.addGrant(app, sandbox)
  return {
    status: 200,
    body: {
      authUserName: user.username,
      authCode: model.issueCode({ grant, redirectUri: callbackUrl, challenge: undefined }),
      instanceUrl: `https://${sandbox.host}:${port}`,
      loginUrl: `https://test.salesforce.localhost:${port}`,
    },
  }
}
