import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashOf } from '#domain/audit/audit-entry.ts'
import { sealChain } from '#domain/audit/chain.ts'
import { createAuditService } from '#domain/audit/service.ts'
import { readChains, readEntries } from '#domain/audit/store.ts'
import { type Database, openDatabase } from '#platform/database/client.ts'
import { createTransact } from '#platform/database/transaction.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { auditEntriesOnce, tamper, verifyAudit } from '#test/support/audit.ts'
import { graphql, graphqlData } from '#test/support/graphql.ts'
import { secretKey, startTestServer, type TestServer } from '#test/support/server.ts'
import { addToken, ownAccount } from '#test/support/tokens.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const entryCount = 12

/** An account with a log of twelve entries, as one who may do everything in it sees it. */
async function newLog() {
  const { token, accountId } = await addToken(server)
  const as = { url: server.url, token }
  for (let count = 0; count < entryCount; count += 1)
    await graphqlData(
      as,
      `mutation Make { createApplicationToken(input: { name: "n° ${count} – ünïcode", scopes: ["tasks:read"] }) { __typename } }`,
    )
  await auditEntriesOnce(as, {}, entryCount)
  const at = (seq: number) => `account_id = '${accountId}' AND seq = ${seq}`
  const change = (...statements: string[]) => tamper(server.database, ...statements)
  const faults = async () => (await verifyAudit(as)).faults.map(({ kind, seq }) => `${kind} ${seq}`)
  return { as, accountId, at, change, faults }
}

/** Journals something more in an account, and waits until its log has it. */
async function makeToken(as: { url: string; token: string }): Promise<void> {
  const query = `mutation { createApplicationToken(input: { name: "more", scopes: ["tasks:read"] }) {
    ... on CreateApplicationTokenPayload { applicationToken { id } } } }`
  const made = await graphqlData<{ createApplicationToken: { applicationToken: { id: string } } }>(as, query)
  await auditEntriesOnce(as, { subject: `token:${made.createApplicationToken.applicationToken.id}` })
}

/** One entry's hash as somebody computes it who has nothing but an export. */
function hashElsewhere({ hash: _, ...facts }: Record<string, unknown>): string {
  return createHash('sha256')
    .update(canonicalize(facts) as string)
    .digest('hex')
}

const everyField = `accountId seq at type outcome actor { kind id name } subject credential { kind id } address userAgent
  requestId operation { name hash } scopes data previousHash hash`

async function entriesOf(as: { url: string; token: string }): Promise<Record<string, unknown>[]> {
  const { auditEntries } = await graphqlData<{ auditEntries: { nodes: Record<string, unknown>[] } }>(
    as,
    `{ auditEntries(orderBy: OLDEST_FIRST, first: 200) { nodes { ${everyField} } } }`,
  )
  return auditEntries.nodes
}

describe('a log that nobody touched', () => {
  it('is intact', async () => {
    const { as } = await newLog()
    expect(await verifyAudit(as)).toMatchObject({ checked: entryCount, faults: [], faultCount: 0, cursor: null })
  })

  it('can be checked elsewhere, from what the API returns', async () => {
    const { as } = await newLog()
    let previous = '0'.repeat(64)
    for (const entry of await entriesOf(as)) {
      expect(entry['previousHash']).toBe(previous)
      expect(hashElsewhere(entry)).toBe(entry['hash'])
      previous = entry['hash'] as string
    }
  })

  it('needs audit:read', async () => {
    const { token } = await addToken(server, { scopes: ['access:admin'], accountId: await ownAccount(server) })
    const { errors } = await graphql(server, '{ auditVerification { checked } }', {}, token)
    expect(errors?.[0]?.extensions?.['code']).toBe('FORBIDDEN')
  })

  it.each([
    [{ after: 'nonsense' }, 'INVALID_CURSOR'],
    [{ noted: { seq: 1, hash: 'xyz' } }, 'INVALID_INPUT'],
    [{ noted: { seq: 1.5, hash: '0'.repeat(64) } }, 'INVALID_INPUT'],
    [{ noted: { seq: -1, hash: '0'.repeat(64) } }, 'INVALID_INPUT'],
  ])('is not checked from or against %j', async (variables, code) => {
    const query =
      'query ($after: String, $noted: NotedAuditEnd) { auditVerification(after: $after, noted: $noted) { checked } }'
    expect((await graphql(server, query, variables)).errors?.[0]?.extensions?.['code']).toBe(code)
  })
})

describe('the database', () => {
  it.each([
    'UPDATE audit_entry SET subject = subject',
    'DELETE FROM audit_entry',
    'TRUNCATE audit_entry',
    'DELETE FROM audit_chain',
    'TRUNCATE audit_chain',
    'UPDATE audit_chain SET seq = seq - 1',
    'UPDATE audit_chain SET pruned_seq = 1',
    'UPDATE audit_chain SET pruned_seq = seq + 1',
  ])('refuses %s', async (statement) => {
    const { as } = await newLog()
    await expect(server.database.query(statement)).rejects.toThrow(/audit entries/)
    expect(await verifyAudit(as)).toMatchObject({ checked: entryCount, faultCount: 0 })
  })
})

describe('verifying finds', () => {
  it.each([
    ['what was done', "type = 'auth.token_rotated'"],
    ['who did it', "actor_name = 'somebody else'"],
    ['from where', "address = '203.0.113.1'"],
    ['when', "at = at - interval '1 millisecond'"],
    ['a detail', `data = data || '{"name": "another"}'`],
    ['by what right', "scopes = '{}'"],
    ['with what', 'credential_id = NULL'],
    ['its hash', "hash = decode(repeat('ab', 32), 'hex')"],
  ])('an entry in which was changed: %s', async (_what, change) => {
    const { change: statement, at, faults } = await newLog()
    await statement(`UPDATE audit_entry SET ${change} WHERE ${at(5)}`)
    expect((await faults())[0]).toBe('CHANGED 5')
  })

  it('an entry that was changed together with its hash', async () => {
    const { as, change, at, faults } = await newLog()
    const entry = { ...(await entriesOf(as))[4], subject: 'token:another' }
    await change(
      `UPDATE audit_entry SET subject = 'token:another', hash = decode('${hashElsewhere(entry)}', 'hex') WHERE ${at(5)}`,
    )
    expect(await faults()).toEqual(['CHANGED 5'])
  })

  it('the last one that was changed together with its hash', async () => {
    const { as, change, at, faults } = await newLog()
    const entry = { ...(await entriesOf(as))[entryCount - 1], subject: 'token:another' }
    await change(
      `UPDATE audit_entry SET subject = 'token:another', hash = decode('${hashElsewhere(entry)}', 'hex') WHERE ${at(entryCount)}`,
    )
    expect(await faults()).toEqual([`CHANGED ${entryCount}`])
  })

  it('entries that were removed', async () => {
    const { as, change, accountId, at, faults } = await newLog()
    await change(`DELETE FROM audit_entry WHERE ${at(5)}`)
    expect(await faults()).toEqual(['REMOVED 5'])
    await change(`DELETE FROM audit_entry WHERE account_id = '${accountId}' AND seq IN (1, 8, 9, ${entryCount})`)
    expect((await verifyAudit(as)).faults.map(({ message }) => message)).toEqual([
      'Entry 1 is missing.',
      'Entry 5 is missing.',
      'Entries 8 to 9 are missing.',
      `Entry ${entryCount} is missing at the end.`,
    ])
  })

  it('one that was removed, though those behind it were moved up', async () => {
    const { change, accountId, at, faults } = await newLog()
    await change(
      `DELETE FROM audit_entry WHERE ${at(5)}`,
      `UPDATE audit_entry SET seq = -seq WHERE account_id = '${accountId}' AND seq > 5`,
      `UPDATE audit_entry SET seq = -seq - 1 WHERE account_id = '${accountId}' AND seq < 0`,
    )
    expect(await faults()).toEqual(['REMOVED 5', `REMOVED ${entryCount}`])
  })

  it('one that was put in between, with the hash that it should have', async () => {
    const { as, change, accountId, at, faults } = await newLog()
    const [before] = (await entriesOf(as)).slice(3)
    const forged = hashElsewhere({ ...before, seq: 5, previousHash: before!['hash'] })
    await change(
      `UPDATE audit_entry SET seq = -seq WHERE account_id = '${accountId}' AND seq > 4`,
      `UPDATE audit_entry SET seq = -seq + 1 WHERE account_id = '${accountId}' AND seq < 0`,
      `INSERT INTO audit_entry SELECT (copy).* FROM (SELECT jsonb_populate_record(entry, jsonb_build_object(
         'seq', 5, 'hash', '\\x${forged}', 'previous_hash', entry.hash)) AS copy FROM audit_entry AS entry WHERE ${at(4)}) AS made`,
    )
    expect(await faults()).toEqual(['INSERTED 5', `INSERTED ${entryCount + 1}`])
  })

  it('one that was put behind the end', async () => {
    const { change, at, faults } = await newLog()
    await change(
      `INSERT INTO audit_entry SELECT (copy).* FROM (SELECT jsonb_populate_record(entry, '{"seq": 40}') AS copy
         FROM audit_entry AS entry WHERE ${at(4)}) AS made`,
    )
    expect(await faults()).toEqual(['INSERTED 40'])
  })

  it('a chain that was rewritten as a whole, by the seal that only this installation can produce', async () => {
    const { as, change, accountId, faults } = await newLog()
    let previousHash = '0'.repeat(64)
    const statements: string[] = []
    for (const entry of await entriesOf(as)) {
      const { seq } = entry as { seq: number }
      const subject = seq === 5 ? 'token:another' : entry['subject']
      const hash = hashElsewhere({ ...entry, subject, previousHash })
      statements.push(
        `UPDATE audit_entry SET subject = '${subject}', previous_hash = decode('${previousHash}', 'hex'),
           hash = decode('${hash}', 'hex') WHERE account_id = '${accountId}' AND seq = ${seq}`,
      )
      previousHash = hash
    }
    const noted = (await verifyAudit(as)).end
    await change(
      ...statements,
      `UPDATE audit_chain SET hash = decode('${previousHash}', 'hex') WHERE account_id = '${accountId}'`,
    )
    expect(await faults()).toEqual([`SEAL ${entryCount}`])
    // By what was noted elsewhere it is found without the key.
    expect((await verifyAudit(as, noted)).faults.map(({ kind }) => kind)).toEqual(['SEAL', 'CHANGED'])
  })

  it('a chain that was put back to an earlier state with its seal, by what was noted elsewhere', async () => {
    const { as, change, accountId } = await newLog()
    const [earlier] = await server.database.query<{ hash: string; seal: string }>(
      "SELECT encode(hash, 'hex') AS hash, encode(seal, 'hex') AS seal FROM audit_chain WHERE account_id = $1",
      [accountId],
    )
    await graphqlData(
      as,
      'mutation { createApplicationToken(input: { name: "x", scopes: ["tasks:read"] }) { __typename } }',
    )
    await auditEntriesOnce(as, {}, entryCount + 1)
    const { end } = await verifyAudit(as)
    await change(
      `DELETE FROM audit_entry WHERE account_id = '${accountId}' AND seq > ${entryCount}`,
      `UPDATE audit_chain SET seq = ${entryCount}, hash = decode('${earlier!.hash}', 'hex'), seal = decode('${earlier!.seal}', 'hex')
         WHERE account_id = '${accountId}'`,
    )
    expect((await verifyAudit(as)).faultCount).toBe(0)
    expect((await verifyAudit(as, end)).faults).toMatchObject([{ kind: 'REMOVED', seq: entryCount + 1 }])
  })

  it('a whole chain that is gone, by what was noted elsewhere', async () => {
    const { as, change, accountId } = await newLog()
    const { end } = await verifyAudit(as)
    await change(
      `DELETE FROM audit_entry WHERE account_id = '${accountId}'`,
      `DELETE FROM audit_chain WHERE account_id = '${accountId}'`,
    )
    expect((await verifyAudit(as, end)).faults).toMatchObject([{ kind: 'REMOVED', seq: entryCount }])
  })
})

describe('a log that goes on after somebody has tampered with it', () => {
  const messages = async (as: { url: string; token: string }) =>
    (await verifyAudit(as)).faults.map(({ kind, seq, message }) => `${kind} ${seq} ${message}`)

  it('is a fault when it is gone as a whole, before there is a new entry and for good', async () => {
    const { as, change, accountId, faults } = await newLog()
    await change(
      `DELETE FROM audit_entry WHERE account_id = '${accountId}'`,
      `DELETE FROM audit_chain WHERE account_id = '${accountId}'`,
    )
    expect(await messages(as)).toEqual(['REMOVED 1 The log has no chain: it was removed.'])
    await makeToken(as)
    await makeToken(as)
    expect(await messages(as)).toEqual([
      expect.stringMatching(/^REMOVED 1 The chain was missing when it was continued at .+: what was before entry 1/),
    ])
    // What says so is sealed.
    await change(`UPDATE audit_chain SET broken_seq = NULL, broken_at = NULL WHERE account_id = '${accountId}'`)
    expect(await faults()).toEqual(['SEAL 2'])
    await makeToken(as)
    expect(await faults()).toEqual(['SEAL 2'])
  })

  it('is a fault when an account that did nothing has none', async () => {
    const { token, accountId } = await addToken(server)
    const as = { url: server.url, token }
    expect(await verifyAudit(as)).toMatchObject({ checked: 0, faultCount: 0 })
    await tamper(server.database, `DELETE FROM audit_chain WHERE account_id = '${accountId}'`)
    expect(await messages(as)).toEqual(['REMOVED 1 The log has no chain: it was removed.'])
  })

  it.each([
    ['its beginning is gone', 'seq > 0 AND seq <= 5', 'pruned_seq = 5, pruned_hash = $hash'],
    ['its end is gone', `seq > 5`, 'seq = 5, hash = $hash'],
    ['it begins again', 'seq > 0', `seq = 0, hash = decode(repeat('00', 32), 'hex')`],
  ])('is a fault, also once it was sealed again, when %s, and its chain was adapted', async (_what, gone, fit) => {
    const { as, change, accountId, at, faults } = await newLog()
    const hash = `(SELECT hash FROM audit_entry WHERE ${at(5)})`
    await change(
      `UPDATE audit_chain SET ${fit.replace('$hash', hash)} WHERE account_id = '${accountId}'`,
      `DELETE FROM audit_entry WHERE account_id = '${accountId}' AND ${gone}`,
    )
    const before = await faults()
    expect(before).toEqual([expect.stringMatching(/^SEAL \d+$/)])
    await makeToken(as)
    expect(await faults()).toEqual([before[0] === 'SEAL 0' ? 'SEAL 1' : before[0]])
  })

  it('is a fault when its end was sealed with a key that was not here', async () => {
    const { as, change, accountId } = await newLog()
    await change(`UPDATE audit_chain SET seal_key = '0123456789abcdef' WHERE account_id = '${accountId}'`)
    await makeToken(as)
    expect(await messages(as)).toEqual([expect.stringContaining(`with a key that was not here`)])
  })
})

describe('a log whose installation has changed its secret key', () => {
  it('stays verifiable while the previous key is known', async () => {
    const newKey = Buffer.alloc(32, 'n').toString('base64')
    const { as } = await newLog()
    const neighbour = await startTestServer({
      database: server.database,
      env: {
        SECRET_KEY: newKey,
        SECRET_KEY_PREVIOUS: secretKey,
        LOG_LEVEL: 'silent',
      },
    })
    const later = { url: neighbour.url, token: as.token }
    expect((await verifyAudit(later)).faultCount).toBe(0)
    await neighbour.close()
    await tamper(server.database, "UPDATE audit_chain SET seal_key = '0123456789abcdef'")
    const { faults } = await verifyAudit(as)
    expect(faults).toMatchObject([{ kind: 'SEAL', message: expect.stringContaining('which is not here') }])
  })
})

describe('old entries', () => {
  it('go, and what is left is as verifiable as before', async () => {
    const { as, accountId, change, at, faults } = await newLog()
    await age(accountId, (seq) => seq <= 7 || seq === 10)
    const { end, faultCount } = await verifyAudit(as)
    expect(faultCount).toBe(0)
    const noted = (await entriesOf(as))[2]
    expect(await prune(500)).toBe(0)
    expect(await prune(365)).toBe(7)
    expect(await verifyAudit(as, end)).toMatchObject({ checked: 5, faults: [], prunedSeq: 7, end })
    // What is gone for its age can't be looked for any more.
    const gone = { seq: 3, hash: noted!['hash'] as string }
    expect((await verifyAudit(as, gone)).faultCount).toBe(0)
    await change(`DELETE FROM audit_entry WHERE ${at(8)}`)
    expect(await faults()).toEqual(['REMOVED 8'])
  })

  it('may all go, and the chain goes on', async () => {
    const { as, accountId } = await newLog()
    await age(accountId, () => true)
    expect(await prune(365)).toBe(entryCount)
    await graphqlData(
      as,
      'mutation { createApplicationToken(input: { name: "x", scopes: ["tasks:read"] }) { __typename } }',
    )
    const [entry] = await auditEntriesOnce(as, {})
    expect(entry?.seq).toBe(entryCount + 1)
    expect(await verifyAudit(as)).toMatchObject({ checked: 1, faultCount: 0, prunedSeq: entryCount })
  })

  it('are not dropped when they were only made to look old, nor with a chain that was not sealed here', async () => {
    const { as, accountId, change, at, faults } = await newLog()
    await change(`UPDATE audit_entry SET at = at - interval '400 days' WHERE account_id = '${accountId}'`)
    expect(await prune(365)).toBe(0)
    expect(await verifyAudit(as)).toMatchObject({ checked: entryCount, prunedSeq: 0, faultCount: entryCount })
    const other = await newLog()
    await age(other.accountId, (seq) => seq <= 7)
    await change(
      `UPDATE audit_chain SET seal = decode(repeat('ab', 32), 'hex') WHERE account_id = '${other.accountId}'`,
    )
    expect(await prune(365)).toBe(0)
    expect(await other.faults()).toEqual([`SEAL ${entryCount}`])
    expect((await faults())[0]).toBe('CHANGED 1')
    expect(await server.database.query(`SELECT 1 FROM audit_entry WHERE ${at(1)}`)).toHaveLength(1)
  })

  it('take what was missing before them with them', async () => {
    const { as, accountId, change, faults } = await newLog()
    await change(
      `DELETE FROM audit_entry WHERE account_id = '${accountId}'`,
      `DELETE FROM audit_chain WHERE account_id = '${accountId}'`,
    )
    await makeToken(as)
    await makeToken(as)
    await age(accountId, (seq) => seq === 1)
    expect(await faults()).toEqual(['REMOVED 1'])
    expect(await prune(365)).toBe(1)
    expect(await faults()).toEqual([])
  })

  const seals = new Seals('signalbox audit', Buffer.from(secretKey, 'base64'))

  async function withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    const database = openDatabase({ url: server.database.url, poolSize: 1, onError: () => {} })
    try {
      return await work(database)
    } finally {
      await database.close()
    }
  }

  /** What the server does every ten minutes. */
  function prune(days: number): Promise<number> {
    return withDatabase((database) => {
      const transact = createTransact(database.pool, () => {})
      const query = { prefixes: ['auth.'], excludedTypes: [] }
      return createAuditService({ sql: database, transact, seals, query }).prune(days)
    })
  }

  /** Makes a log what it would be if these entries had been written 400 days ago: with the installation's own key. */
  function age(accountId: string, isOld: (seq: number) => boolean): Promise<void> {
    return withDatabase(async (database) => {
      const [chain] = await readChains(database, [accountId])
      if (chain === undefined) throw new Error('There is no chain.')
      let previousHash = chain.prunedHash
      const statements: string[] = []
      for (const { hash: _, ...facts } of await readEntries(database, accountId, 0, 1_000)) {
        const at = isOld(facts.seq) ? new Date(facts.at.getTime() - 400 * 24 * 3_600_000) : facts.at
        const hash = hashOf({ ...facts, at, previousHash })
        statements.push(
          `UPDATE audit_entry SET at = '${at.toISOString()}', previous_hash = '\\x${previousHash}', hash = '\\x${hash}'
           WHERE account_id = '${accountId}' AND seq = ${facts.seq}`,
        )
        previousHash = hash
      }
      const { seal } = sealChain(seals, { ...chain, hash: previousHash })
      statements.push(
        `UPDATE audit_chain SET hash = '\\x${previousHash}', seal = '\\x${Buffer.from(seal).toString('hex')}'
         WHERE account_id = '${accountId}'`,
      )
      await tamper(server.database, ...statements)
    })
  }
})
