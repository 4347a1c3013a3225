import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ChangeFollower } from '#test/support/changes.ts'
import { get, put, type ToldDocument, write } from '#test/support/documents.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ env: { ROLES: 'api', RATE_LIMIT_TOKEN: '0' } })
})
afterAll(() => server.close())

const withScopes = async (...scopes: string[]) => {
  const { token } = await addToken(server, { accountId: await ownAccount(server), scopes })
  return { url: server.url, token }
}

interface Written {
  readonly documents?: readonly ToldDocument[]
  readonly message?: string
}

const together = async (writes: readonly object[]): Promise<Written> => {
  const { writeDocuments } = await graphqlData<{ writeDocuments: Written }>(
    server,
    `mutation ($writes: [DocumentWrite!]!) { writeDocuments(input: { writes: $writes }) {
      ... on WriteDocumentsPayload { documents { collection key version data } } ... on Failure { message }
    } }`,
    { writes },
  )
  return writeDocuments
}

/** Two documents whose names are one text when a separator is put between their parts. */
const twins = [
  ['a space', { collection: 'team', key: 'x secret' }, { collection: 'team x', key: 'secret' }],
  ['a slash', { collection: 'squad', key: 'x/secret' }, { collection: 'squad/x', key: 'secret' }],
  ['a space before a number', { collection: 'many 1', key: '2 3' }, { collection: 'many', key: '1 2 3' }],
] as const

describe.each(twins)('two documents whose names differ by the place of %s', (_, one, other) => {
  it('are created, changed and restored together, each by itself', async () => {
    const made = await together([
      { put: { ...one, data: { of: 'one' }, expectedVersion: 0 } },
      { put: { ...other, data: { of: 'other' }, expectedVersion: 0 } },
    ])
    expect(made.documents).toMatchObject([
      { ...one, version: 1, data: { of: 'one' } },
      { ...other, version: 1, data: { of: 'other' } },
    ])
    const changed = await together([
      { patch: { ...one, mergePatch: { a: 1 } } },
      { patch: { ...other, mergePatch: { b: 2 } } },
      { restore: { ...one, version: 1 } },
      { restore: { ...other, version: 2 } },
    ])
    expect(changed.documents).toMatchObject([
      { ...one, version: 2, data: { of: 'one', a: 1 } },
      { ...other, version: 2, data: { of: 'other', b: 2 } },
      { ...one, version: 3, data: { of: 'one' } },
      { ...other, version: 3, data: { of: 'other', b: 2 } },
    ])
    expect(await Promise.all([get(server, one.key, one), get(server, other.key, other)])).toMatchObject([
      { ...one, version: 3, data: { of: 'one' } },
      { ...other, version: 3, data: { of: 'other', b: 2 } },
    ])
  })

  it('are patched at the same time by many, and no patch is lost or done to the other', async () => {
    await Promise.all([put(server, one.key, { of: 'one' }, one), put(server, other.key, { of: 'other' }, other)])
    const before = await Promise.all([get(server, one.key, one), get(server, other.key, other)])
    const rounds = Array.from({ length: 20 }, (_, round) => round)
    const answers = await Promise.all(
      rounds.flatMap((round) => [
        write(server, 'patchDocument', { ...one, mergePatch: { [`one${round}`]: round } }),
        write(server, 'patchDocument', { ...other, mergePatch: { [`other${round}`]: round } }),
      ]),
    )
    for (const [index, { document }] of answers.entries()) {
      const [own, of] = index % 2 === 0 ? [one, 'one'] : [other, 'other']
      expect(document).toMatchObject({ ...own, data: { of, [`${of}${index >> 1}`]: index >> 1 } })
    }
    const after = await Promise.all([get(server, one.key, one), get(server, other.key, other)])
    const fields = (of: string) => ({ of, ...Object.fromEntries(rounds.map((round) => [`${of}${round}`, round])) })
    expect(after).toMatchObject([
      { version: (before[0]?.version ?? 0) + rounds.length, data: fields('one') },
      { version: (before[1]?.version ?? 0) + rounds.length, data: fields('other') },
    ])
  })

  it('are streamed as what they are, current and previous', async () => {
    await Promise.all([put(server, one.key, 'one', one), put(server, other.key, 'other', other)])
    const [follower, twin] = await Promise.all(
      [one, other].map(({ collection }) => ChangeFollower.open(server, { in: collection })),
    )
    if (follower === undefined || twin === undefined) throw new Error('not opened')
    onTestFinished(async () => void (await Promise.all([follower.close(), twin.close()])))
    for (const round of [1, 2]) {
      await put(server, one.key, `one ${round}`, one)
      await put(server, other.key, `other ${round}`, other)
    }
    const last = (of: ChangeFollower, data: string) => of.find(({ document }) => document?.data === data)
    expect(await last(follower, 'one 2')).toMatchObject({ ...one, previous: { data: 'one 1' } })
    expect(await last(twin, 'other 2')).toMatchObject({ ...other, previous: { data: 'other 1' } })
  })
})

describe('a token for what a wildcard matches', () => {
  const own = { collection: 'vault x', key: 'secret' }
  const foreign = { collection: 'vault', key: 'x secret' }

  it('is neither answered with nor streamed another document, whose name is the same text with a space', async () => {
    const narrow = await withScopes('documents:write:vault*x/**')
    await put(server, foreign.key, { password: 'first' }, foreign)
    await put(narrow, own.key, { mine: 0 }, own)
    const follower = await ChangeFollower.open(narrow, { in: '**' })
    onTestFinished(() => follower.close())
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, round) => {
        const [, answer] = await Promise.all([
          write(server, 'patchDocument', { ...foreign, mergePatch: { password: `secret ${round}` } }),
          write(narrow, 'patchDocument', { ...own, mergePatch: { mine: round } }),
        ])
        return answer
      }),
    )
    await put(narrow, own.key, 'last', own)
    await follower.find(({ document }) => document?.data === 'last')
    expect(JSON.stringify([answers, follower.changes])).not.toContain('password')
    expect((await get(server, foreign.key, foreign))?.data).not.toHaveProperty('mine')
    const { errors } = await graphql(
      narrow,
      'mutation ($input: PatchDocumentInput!) { patchDocument(input: $input) { __typename } }',
      { input: { ...foreign, mergePatch: {} } },
      narrow.token,
    )
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('has the same right to two documents that are one resource, whichever way it asks', async () => {
    const inside = await withScopes('documents:write:both/b/**')
    const pair = [
      { collection: 'both', key: 'b/c' },
      { collection: 'both/b', key: 'c' },
    ]
    for (const [index, name] of pair.entries()) {
      expect(await put(inside, name.key, index, name)).toMatchObject({ version: 1 })
      expect(await get(inside, name.key, name)).toMatchObject({ ...name, data: index })
    }
    const { documents } = await graphqlData<{ documents: { nodes: object[] } }>(
      inside,
      '{ documents(in: "**") { nodes { collection key data } } }',
    )
    expect(documents.nodes).toEqual(pair.map((name, data) => ({ ...name, data })))
    // A collection is managed by who may write all of it, which is not so of the one above.
    const remove = async (path: string) => {
      const { errors } = await graphql(
        inside,
        'mutation ($path: String!) { deleteCollection(input: { path: $path }) { __typename } }',
        { path },
        inside.token,
      )
      return errors?.[0]?.extensions?.['code']
    }
    expect(await remove('both')).toBe('FORBIDDEN')
    expect(await remove('both/b')).toBeUndefined()
    expect(await get(inside, 'b/c', { collection: 'both' })).toMatchObject({ data: 0 })
  })
})
