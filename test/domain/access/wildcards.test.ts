import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditEntriesOnce } from '#test/support/audit.ts'
import { put } from '#test/support/documents.ts'
import { entriesOf } from '#test/support/entries.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

const configFile = new URL('../../fixtures/access/signalbox.config.ts', import.meta.url).pathname

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ configFile, env: { LOG_LEVEL: 'silent' } })
})
afterAll(() => server.close())

async function tokenFor(...scopes: string[]): Promise<string> {
  return (await addToken(server, { accountId: await ownAccount(server), scopes })).token
}

/** Runs a task to its end; returns its id. */
async function completed(type: string): Promise<string> {
  const { submitTask } = await graphqlData<{ submitTask: { task: { id: string } } }>(
    server,
    'mutation ($type: String!) { submitTask(input: { type: $type, input: { s: 1 } }) { ... on SubmitTaskPayload { task { id } } } }',
    { type },
  )
  const { id } = submitTask.task
  await until(async () => {
    const { task } = await graphqlData<{ task: { status: string } }>(server, `{ task(id: "${id}") { status } }`)
    return task.status === 'COMPLETED'
  })
  return id
}

describe('characters that LIKE treats as wildcards', () => {
  it('stand for themselves in a scope that is narrowed to task types', async () => {
    const [own, foreign] = [await completed('deploy_x'), await completed('deployqx')]
    const typesFor = async (scope: string) => {
      const token = await tokenFor(scope)
      const list = '{ tasks(first: 200) { nodes { type } } }'
      const { data } = await graphql<{ tasks: { nodes: { type: string }[] } }>(server, list, {}, token)
      return data?.tasks.nodes.map(({ type }) => type).toSorted()
    }
    expect(await typesFor('tasks:read:type=deploy_*')).toEqual(['deploy_x'])
    expect(await typesFor('tasks:write:type=deploy*')).toEqual(['deploy_x', 'deployqx'])
    for (const resource of ['%*', '_*', '%x*', 'deploy\\_*', '\\*']) {
      expect(await typesFor(`tasks:read:type=${resource}`)).toEqual([])
    }
    const token = await tokenFor('tasks:read:type=deploy_*')
    const byId = async (id: string) => (await graphql(server, `{ task(id: "${id}") { type } }`, {}, token)).data
    expect([await byId(own), await byId(foreign)]).toEqual([{ task: { type: 'deploy_x' } }, { task: null }])
    const statuses = await Promise.all(
      [own, foreign].map(async (id) => {
        const headers = { authorization: `Bearer ${token}` }
        return (await fetch(`${server.url}/api/tasks/${id}/result`, { headers })).status
      }),
    )
    expect(statuses).toEqual([200, 404])
  })

  it('stand for themselves in scopes and prefixes of entries and locks', async () => {
    const owner = entriesOf(server)
    for (const name of ['w/a_1', 'w/ab1', 'w/a%1']) {
      await owner.set(name, 1)
      await owner.acquire(name)
    }
    const keys = async (prefix: string, token?: string) => {
      const query = `query ($prefix: String!) { entries(prefix: $prefix) { nodes { key } } locks(prefix: $prefix) { nodes { name } } }`
      const found = await entriesOf(server, token).asked<{
        entries: { nodes: { key: string }[] }
        locks: { nodes: { name: string }[] }
      }>(query, { prefix })
      return [found.entries.nodes.map(({ key }) => key), found.locks.nodes.map(({ name }) => name)]
    }
    expect(await keys('w/a_')).toEqual([['w/a_1'], ['w/a_1']])
    expect(await keys('w/a%')).toEqual([['w/a%1'], ['w/a%1']])
    expect(await keys('w/', await tokenFor('entries:read:w/a_*'))).toEqual([['w/a_1'], ['w/a_1']])
    expect(await keys('w/', await tokenFor('entries:read:w/a%*'))).toEqual([['w/a%1'], ['w/a%1']])
  })

  it('stand for themselves in scopes and filters of documents', async () => {
    const data = { one: 'a_1', other: 'ab1', percent: 'a%1', backslash: 'a\\1' }
    for (const [key, value] of Object.entries(data)) await put(server, `${key}_k`, { value }, { collection: 'w_d' })
    await put(server, 'one_k', { value: 'a_1' }, { collection: 'wxd' })
    const keys = async (test: object, token?: string) => {
      const query =
        'query ($where: DocumentFilter!) { documents(in: "**", where: $where) { nodes { collection key } } }'
      const { data } = await graphql<{ documents: { nodes: { collection: string; key: string }[] } }>(
        server,
        query,
        { where: { path: 'value', ...test } },
        token,
      )
      return data?.documents.nodes.map(({ collection, key }) => `${collection}/${key}`).toSorted()
    }
    expect(await keys({ startsWith: 'a_' }, await tokenFor('documents:read:w_d/**'))).toEqual(['w_d/one_k'])
    expect(await keys({ startsWith: 'a%' })).toEqual(['w_d/percent_k'])
    expect(await keys({ contains: '%' })).toEqual(['w_d/percent_k'])
    expect(await keys({ startsWith: 'a\\' })).toEqual(['w_d/backslash_k'])
    expect(await keys({ exists: true }, await tokenFor('documents:read:w_d/o*_k'))).toEqual([
      'w_d/one_k',
      'w_d/other_k',
    ])
  })

  it('stand for themselves in the selection of audit entries', async () => {
    const actor = 'tool_100%'
    const { createApplicationToken } = await graphqlData<{ createApplicationToken: { token: string } }>(
      server,
      `mutation { createApplicationToken(input: { name: "${actor}", scopes: ["entries:write"] }) { ... on CreateApplicationTokenPayload { token } } }`,
    )
    for (const key of ['v/a_1', 'v/ab1']) await entriesOf(server, createApplicationToken.token).set(key, 1)
    await auditEntriesOnce(server, { subject: 'entry:v/*' }, 2)
    const subjects = async (subject: string) =>
      (await auditEntriesOnce(server, { subject }, 0)).map((entry) => entry.subject)
    expect(await subjects('entry:v/a_*')).toEqual(['entry:v/a_1'])
    expect(await subjects('%*')).toEqual([])
    expect(await subjects('entry:v/a\\_*')).toEqual([])
    expect(await auditEntriesOnce(server, { actor }, 2)).toHaveLength(2)
  })
})
