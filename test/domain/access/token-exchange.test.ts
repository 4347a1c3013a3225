import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadProjectConfig } from '#src/project/config-file.ts'
import { auditEntries } from '#test/support/audit.ts'
import { type CiIssuer, startCiIssuer } from '#test/support/ci-issuer.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'
import { loopbackAllowed } from '#test/support/webhooks.ts'

const hookSecrets = {
  GITHUB_SECRET: 'a secret of the hook that is not used',
  GITHUB_SECRET_NEXT: 'a secret of the hook that is not used',
  GITLAB_SECRET: 'a secret of the hook that is not used',
  STANDARD_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  PLAIN_SECRET: 'a secret of the hook that is not used',
}

let issuer: CiIssuer
let server: TestServer
beforeAll(async () => {
  issuer = await startCiIssuer()
  process.env['TEST_CI_ISSUER'] = issuer.url
  server = await startTestServer({
    env: { ...loopbackAllowed, ...hookSecrets, ROLES: 'api', LOG_LEVEL: 'silent', RATE_LIMIT_ADDRESS: '0' },
    configFile: join(import.meta.dirname, '../../fixtures/trust/signalbox.config.ts'),
  })
})
afterAll(async () => {
  await server.close()
  await issuer.close()
})

const releaseClaims = { repository: 'acme/shop', ref: 'refs/heads/release/7', sub: 'repo:acme/shop:release/7' }

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function exchange(subjectToken: string, more: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/api/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      subject_token: subjectToken,
      ...more,
    }),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function viewer(token: unknown): Promise<unknown> {
  const { data } = await graphql<{ viewer: unknown }>(server, '{ viewer { name scopes } }', {}, String(token))
  return data?.viewer
}

describe('POST /api/auth/token', () => {
  it('answers with a token that has the scopes and the lifetime of the rule', async () => {
    const { status, body } = await exchange(await issuer.sign(releaseClaims))
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^sbx_/),
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 300,
        scope: 'tasks:write:type=probe events:write',
      },
    ])
    expect(await viewer(body['access_token'])).toEqual({
      name: 'releases: repo:acme/shop:release/7',
      scopes: ['tasks:write:type=probe', 'events:write'],
    })
    const [row] = await server.database.query<{ seconds: number }>(
      "SELECT extract(epoch FROM expires_at - created_at)::float8 AS seconds FROM application_token WHERE name LIKE 'releases:%'",
    )
    expect(row?.seconds).toBeGreaterThan(280)
    expect(row?.seconds).toBeLessThan(320)
  })

  it('takes the first rule that matches', async () => {
    const { body } = await exchange(await issuer.sign({ repository: 'acme/shop', ref: 'refs/heads/main' }))
    expect(body).toMatchObject({ scope: 'tasks:read', expires_in: 3600 })
    const nested = await exchange(await issuer.sign({ ...releaseClaims, ref: 'refs/heads/release/7/other' }))
    expect(nested.body).toMatchObject({ scope: 'tasks:read' })
    const tag = await exchange(await issuer.sign({ ...releaseClaims, ref: 'refs/tags/a/b' }))
    expect(tag.body).toMatchObject({ scope: 'tasks:write:type=probe events:write' })
    const number = await exchange(await issuer.sign({ aud: ['https://numbers.test'], project_id: 42 }))
    expect(number.body).toMatchObject({ scope: 'entries:read' })
  })

  it('narrows the scopes when asked, and never widens them', async () => {
    const narrowed = await exchange(await issuer.sign(releaseClaims), { scope: 'events:write' })
    expect(narrowed.body).toMatchObject({ scope: 'events:write' })
    const widened = await exchange(await issuer.sign(releaseClaims), { scope: 'tasks:write' })
    expect(widened).toMatchObject({ status: 403, body: { code: 'SCOPE_NOT_HELD' } })
    const wrong = await exchange(await issuer.sign(releaseClaims), { scope: 'no-scope' })
    expect(wrong).toMatchObject({ status: 422, body: { code: 'INVALID_INPUT' } })
  })

  it.each<[string, () => Promise<string>, string]>([
    ['another repository', () => issuer.sign({ repository: 'acme/shop2' }), 'claims'],
    ['a repository that only begins the same', () => issuer.sign({ repository: 'acme/shop/x' }), 'claims'],
    ['a claim that is a list', () => issuer.sign({ repository: ['acme/shop'] }), 'claims'],
    ['no such claim', () => issuer.sign({}), 'claims'],
    ['the audience of another rule', () => issuer.sign({ ...releaseClaims, aud: 'https://numbers.test' }), 'claims'],
    ['another audience', () => issuer.sign({ ...releaseClaims, aud: 'https://elsewhere.test' }), 'not valid'],
    ['a token that has expired', () => issuer.sign({ ...releaseClaims, exp: 1_700_000_000 }), 'not valid'],
    ['a signature of somebody else', () => issuer.forge(releaseClaims), 'not valid'],
    ['another issuer', () => issuer.sign({ ...releaseClaims, iss: 'https://elsewhere.test' }), 'No trust rule names'],
    ['an unsigned token', async () => unsigned(await issuer.sign(releaseClaims)), 'not valid'],
    ['a text', async () => 'none', 'not valid'],
    ['a text that is too long', async () => 'x'.repeat(9_000), 'not valid'],
  ])('refuses %s', async (_name, sign, reason) => {
    const { status, body } = await exchange(await sign())
    expect([status, body['code'], body['message']]).toEqual([401, 'UNAUTHENTICATED', expect.stringContaining(reason)])
  })

  it('refuses other grants and token types', async () => {
    const token = await issuer.sign(releaseClaims)
    for (const more of [{ grant_type: 'password' }, { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }])
      expect((await exchange(token, more)).status).toBe(422)
  })

  it('audits each exchange and each kind of refusal', async () => {
    await exchange(await issuer.sign({ ...releaseClaims, sub: 'repo:acme/shop:audited' }))
    const [entry] = await until(async () => {
      const entries = await auditEntries(server, { types: ['auth.token_exchanged'] })
      const found = entries.filter(({ data }) => JSON.stringify(data).includes('acme/shop:audited'))
      return found.length > 0 && found
    })
    expect(entry).toMatchObject({
      actor: { kind: 'system', id: 'trust:releases' },
      data: { rule: 'releases', issuer: issuer.url, subject: 'repo:acme/shop:audited' },
    })
    const reasons = ['UNTRUSTED_ISSUER', 'INVALID_TOKEN', 'NO_MATCHING_RULE', 'SCOPE_NOT_HELD']
    await until(async () => {
      const texts = (await auditEntries(server, { types: ['auth.attempt_failed'] })).map(({ data }) =>
        JSON.stringify(data),
      )
      return reasons.every((reason) => texts.some((text) => text.includes('exchange') && text.includes(reason)))
    })
  })

  it('fetches keys once, and again for a key that is new', async () => {
    const count = () => issuer.asked.filter((path) => path === '/keys').length
    const before = count()
    for (let number = 0; number < 3; number += 1) await exchange(await issuer.sign(releaseClaims))
    await exchange(await issuer.forge(releaseClaims))
    expect(count()).toBe(before)
    expect(before).toBe(1)
  })
})

describe('an exchanged token', () => {
  const keyed = async (token: unknown) => (await graphql(server, '{ viewer { name } }', {}, String(token))).errors

  it('can be revoked before its time', async () => {
    const { body } = await exchange(await issuer.sign(releaseClaims))
    const revoke = `mutation($id: String!) { revokeApplicationToken(input: { id: $id }) {
      ... on RevokeApplicationTokenPayload { applicationToken { status } } } }`
    const revoked = await graphqlData(server, revoke, { id: body['access_token'] })
    expect(revoked).toEqual({ revokeApplicationToken: { applicationToken: { status: 'REVOKED' } } })
    const [error] = (await until(async () => keyed(body['access_token']))) ?? []
    expect(error).toMatchObject({
      message: expect.stringContaining('was revoked'),
      extensions: { code: 'UNAUTHENTICATED' },
    })
    expect((await exchange(await issuer.sign(releaseClaims))).status).toBe(200)
  })

  it('that rotates itself does not outlast its rule', async () => {
    const { body } = await exchange(await issuer.sign(releaseClaims))
    const token = String(body['access_token'])
    const rotate = `mutation($id: ID!) { rotateApplicationToken(input: { id: $id }) {
      ... on RotateApplicationTokenPayload { applicationToken { expiresAt } } } }`
    const { data } = await graphql<{ rotateApplicationToken: { applicationToken: { expiresAt: string } } }>(
      server,
      rotate,
      { id: token },
      token,
    )
    const expiresAt = Date.parse(data?.rotateApplicationToken.applicationToken.expiresAt ?? '')
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 300_000)
  })

  it('counts toward the quota of the account, until it is revoked', async () => {
    const account = await ownAccount(server)
    const { body } = await exchange(await issuer.sign(releaseClaims))
    const limit = `UPDATE account SET quotas = jsonb_build_object('applicationTokens', (SELECT count(*) FROM application_token
      WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > now())) WHERE id = $1`
    await server.database.query(limit, [account])
    try {
      const refused = await exchange(await issuer.sign(releaseClaims))
      expect(refused).toMatchObject({ status: 429, body: { code: 'QUOTA_EXCEEDED' } })
      const revoke = 'mutation($id: String!) { revokeApplicationToken(input: { id: $id }) { __typename } }'
      await graphqlData(server, revoke, { id: body['access_token'] })
      expect((await exchange(await issuer.sign(releaseClaims))).status).toBe(200)
    } finally {
      await server.database.query("UPDATE account SET quotas = '{}' WHERE id = $1", [account])
    }
  })
})

describe('exchangeToken', () => {
  const mutation = `mutation ($input: ExchangeTokenInput!) { exchangeToken(input: $input) {
    ... on ExchangeTokenPayload { token scopes rule expiresInSeconds }
    ... on ExchangeRefused { code reason } ... on Failure { message } } }`

  it('does the same without a token', async () => {
    const input = { subjectToken: await issuer.sign(releaseClaims), scopes: ['events:write'] }
    const { exchangeToken } = await graphqlData<{ exchangeToken: { token: string } }>(server, mutation, { input })
    expect(exchangeToken).toMatchObject({ scopes: ['events:write'], rule: 'releases', expiresInSeconds: 300 })
    expect(await viewer(exchangeToken.token)).toMatchObject({ scopes: ['events:write'] })
    const refused = await graphqlData(server, mutation, { input: { subjectToken: await issuer.sign({}) } })
    expect(refused).toMatchObject({ exchangeToken: { code: 'UNAUTHENTICATED', reason: 'NO_MATCHING_RULE' } })
  })
})

describe('an issuer that fails', () => {
  it('is reported as such, and left alone for a while', async () => {
    const failing = await startCiIssuer()
    failing.failure = 500
    process.env['TEST_CI_ISSUER'] = failing.url
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-trust-'))
    const configFile = join(directory, 'signalbox.config.mjs')
    const rule = { issuer: failing.url, audience: 'https://signalbox.test', claims: { a: 'b' }, scopes: ['tasks:read'] }
    await writeFile(configFile, `export default { trust: { one: ${JSON.stringify(rule)} } }`)
    const other = await startTestServer({ env: { ...loopbackAllowed, ROLES: 'api', LOG_LEVEL: 'silent' }, configFile })
    try {
      for (let number = 0; number < 3; number += 1) {
        const response = await fetch(`${other.url}/api/auth/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
            subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
            subject_token: await failing.sign({ a: 'b' }),
          }),
        })
        expect([response.status, await response.json()]).toMatchObject([502, { code: 'UPSTREAM_FAILED' }])
      }
      expect(failing.asked.length).toBeLessThan(3)
    } finally {
      await other.close()
      await failing.close()
    }
  })
})

describe('trust rules', () => {
  it.each([
    [{ issuer: 'http://ci.example.com' }, 'trust.one.issuer must be an https: address.'],
    [{ claims: {} }, 'trust.one.claims must name at least one claim'],
    [{ claims: { ref: '*a*b*' } }, 'at most two wildcards'],
    [{ scopes: ['access:admin'] }, 'other than access:admin'],
    [{ scopes: ['*'] }, 'must be a scope'],
    [{ maxSeconds: 3_601 }, 'trust.one.maxSeconds must be at most 3600.'],
  ])('refuse %j', async (change, message) => {
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-trust-'))
    const usual = { issuer: 'https://ci.example.com', audience: 'us', claims: { a: 'b' }, scopes: ['tasks:read'] }
    const file = join(directory, 'signalbox.config.mjs')
    await writeFile(file, `export default { trust: { one: ${JSON.stringify({ ...usual, ...change })} } }`)
    await expect(loadProjectConfig({ file, cwd: directory })).rejects.toThrow(message)
  })
})

function unsigned(token: string): string {
  const [, payload] = token.split('.')
  return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
}
