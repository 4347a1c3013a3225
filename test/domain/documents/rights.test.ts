import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, put, write } from '#test/support/documents.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import type { TestServer } from '#test/support/server.ts'
import { sharedServer } from '#test/support/shared-server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'
import { until } from '#test/support/until.ts'

let server: TestServer
beforeAll(async () => {
  server = await sharedServer()
  await put(server, 'v1', 'mine', { collection: 'releases/prod' })
  await put(server, 'v1', 'mine', { collection: 'releases' })
  await put(server, 'v1', 'theirs', { collection: 'secrets' })
})
afterAll(() => server.close())

const withScopes = async (...scopes: string[]) => {
  const { token } = await addToken(server, { accountId: await ownAccount(server), scopes })
  return { url: server.url, token }
}

const refusal = async (at: { url: string; token: string }, input: object) => {
  const { data, errors } = await graphql<{ putDocument: { __typename: string } }>(
    at,
    'mutation ($input: PutDocumentInput!) { putDocument(input: $input) { __typename } }',
    { input },
    at.token,
  )
  return errors?.[0]?.extensions?.['code'] ?? data?.putDocument.__typename
}

describe('another account', () => {
  it('has documents of its own under the same names', async () => {
    const { token } = await addToken(server)
    const other = { url: server.url, token }
    expect(await get(other, 'v1', { collection: 'releases/prod' })).toBeNull()
    expect(await put(other, 'v1', 'other', { collection: 'releases/prod', expectedVersion: 0 })).toMatchObject({
      version: 1,
    })
    expect(await get(server, 'v1', { collection: 'releases/prod' })).toMatchObject({ data: 'mine', version: 1 })
    const { collections } = await graphqlData<{ collections: object }>(other, '{ collections { nodes { path } } }')
    expect(collections).toEqual({ nodes: [{ path: 'releases/prod' }] })
    expect(await write(other, 'deleteDocument', { collection: 'secrets', key: 'v1' })).toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})

describe('a scope for a pattern', () => {
  it('reads what matches, and nothing reveals the rest', async () => {
    const reader = await withScopes('documents:read:releases/prod/**', 'events:read')
    expect(await get(reader, 'v1', { collection: 'releases/prod' })).toMatchObject({ data: 'mine' })
    expect(await get(reader, 'v1', { collection: 'secrets' })).toBeNull()
    expect(await get(reader, 'v1', { collection: 'releases', version: 1 })).toBeNull()
    const { collections, collection } = await graphqlData<{ collections: { nodes: object[] }; collection: object }>(
      reader,
      '{ collections { nodes { path documentCount } } collection(path: "secrets") { path } }',
    )
    // A document of `releases` could have a key that begins with `prod/`.
    expect(collections.nodes).toEqual([
      { path: 'releases', documentCount: null },
      { path: 'releases/prod', documentCount: 1 },
    ])
    expect(collection).toBeNull()
    const subjects = await until(async () => {
      const { events } = await graphqlData<{ events: { nodes: { subject: string }[] } }>(
        reader,
        '{ events(types: ["document.*", "collection.*"]) { nodes { subject } } }',
      )
      return events.nodes.length > 2 && events.nodes.map(({ subject }) => subject)
    })
    expect(subjects).toEqual(['collection:releases/prod', 'document:releases/prod/v1', 'collection:releases'])
  })

  it('writes what matches, and manages a collection only when it covers all of it', async () => {
    const writer = await withScopes('documents:write:releases/*')
    expect(await refusal(writer, { collection: 'releases', key: 'v2', data: 1 })).toBe('PutDocumentPayload')
    expect(await refusal(writer, { collection: 'secrets', key: 'v2', data: 1 })).toBe('FORBIDDEN')
    const remove = async (at: typeof writer, path: string) => {
      const { data, errors } = await graphql<{ deleteCollection: { __typename: string } }>(
        at,
        'mutation ($path: String!) { deleteCollection(input: { path: $path }) { __typename } }',
        { path },
        at.token,
      )
      return errors?.[0]?.extensions?.['code'] ?? data?.deleteCollection.__typename
    }
    expect(await remove(writer, 'releases/new')).toBe('FORBIDDEN')
    expect(await remove(writer, 'releases')).toBe('FORBIDDEN')
    expect(await remove(await withScopes('documents:write:releases/new/**'), 'releases/new')).toBe('CollectionNotFound')
  })

  it('is what several writes are held to, each of them', async () => {
    const writer = await withScopes('documents:write:releases/**')
    const { errors } = await graphql(
      writer,
      `mutation { writeDocuments(input: { writes: [
        { put: { collection: "releases/x", key: "a", data: 1 } }, { delete: { collection: "secrets", key: "v1" } }] }) { __typename } }`,
      {},
      writer.token,
    )
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    expect(await get(server, 'a', { collection: 'releases/x' })).toBeNull()
  })
})

it('announces documents only to those who may read them', async () => {
  const listener = await withScopes('events:read')
  const { events } = await graphqlData<{ events: { nodes: object[] } }>(listener, '{ events { nodes { subject } } }')
  expect(events.nodes).toEqual([])
})
