import type { Sql } from '#platform/database/sql.ts'
import type { Seal } from '#platform/secrets/seals.ts'
import { ProjectionCursor } from '#platform/work/journal-projection.ts'
import type { AuditEntry, AuditOutcome } from './audit-entry.ts'

/** Key of the advisory lock for appending to chains and dropping their beginnings. */
export const auditLock = 0x5b0c_0003

/** Up to where the journal is in the log; its lock is held by every transaction that changes chains. */
export const auditCursor = new ProjectionCursor('audit_cursor', auditLock)

/** From where on a chain is vouched for again; what was before may have been changed or removed. */
export interface ChainBreak {
  /** The last entry that is not vouched for; 0 when there was none. */
  readonly seq: number
  readonly at: Date
  /** What was found instead of a genuine chain: none, one that was not sealed here, or one under a key that is unknown. */
  readonly by: 'MISSING' | 'FORGED' | 'KEY'
}

/** Where a chain ends, and begins since older entries were dropped. */
export interface AuditChain {
  readonly accountId: string
  readonly seq: number
  readonly hash: string
  readonly prunedSeq: number
  readonly prunedHash: string
  /** Undefined: all of it is vouched for. */
  readonly broken?: ChainBreak | undefined
}

export interface SealedChain extends AuditChain, Seal {}

interface ChainRow {
  account_id: string
  seq: string
  hash: Buffer
  pruned_seq: string
  pruned_hash: Buffer
  broken_seq: string | null
  broken_at: Date | null
  broken_by: string | null
  seal: Buffer
  seal_key: string
}

const chainColumns = `
  account_id, seq, hash, pruned_seq, pruned_hash, broken_seq, broken_at, broken_by, seal, seal_key`
const chainsSql = `SELECT ${chainColumns} FROM audit_chain WHERE account_id = ANY($1::uuid[])`

/** The chains of these accounts, as far as they have begun. */
export async function readChains(sql: Pick<Sql, 'query'>, accountIds: readonly string[]): Promise<SealedChain[]> {
  return (await sql.query<ChainRow>(chainsSql, [accountIds])).map(toChain)
}

const endsSql = `
  SELECT account.id AS "accountId", account.name, chain.*,
    (SELECT previous_hash FROM audit_entry WHERE account_id = account.id AND seq = chain.pruned_seq + 1) AS first,
    (SELECT hash FROM audit_entry WHERE account_id = account.id AND seq = chain.seq) AS last
  FROM account LEFT JOIN (SELECT ${chainColumns} FROM audit_chain) AS chain ON chain.account_id = account.id
  ORDER BY account.created_at, account.id`

/** An account's chain, with what its entries at both ends say. */
export interface ChainEnds {
  readonly account: string
  /** Undefined: there is none. */
  readonly chain: SealedChain | undefined
  /** What the first entry names as the hash before it; undefined when that entry isn't there. */
  readonly first: string | undefined
  /** The hash of the last entry; undefined when that isn't there. */
  readonly last: string | undefined
}

/** The chains of all accounts, in one look. */
export async function readChainEnds(sql: Pick<Sql, 'query'>): Promise<ChainEnds[]> {
  type Row = { name: string; first: Buffer | null; last: Buffer | null } & (ChainRow | { account_id: null })
  return (await sql.query<Row>(endsSql)).map((row) => ({
    account: row.name,
    chain: row.account_id === null ? undefined : toChain(row),
    first: row.first?.toString('hex'),
    last: row.last?.toString('hex'),
  }))
}

function toChain(row: ChainRow): SealedChain {
  const { broken_seq: seq, broken_at: at, broken_by: by } = row
  return {
    accountId: row.account_id,
    seq: Number(row.seq),
    hash: row.hash.toString('hex'),
    prunedSeq: Number(row.pruned_seq),
    prunedHash: row.pruned_hash.toString('hex'),
    ...(seq !== null && at !== null && { broken: { seq: Number(seq), at, by: by as ChainBreak['by'] } }),
    seal: row.seal,
    keyId: row.seal_key,
  }
}

/** How many chains have a seal that was not made with this key. */
export async function countChainsOfOtherKeys(sql: Pick<Sql, 'query'>, keyId: string): Promise<number> {
  const text = 'SELECT count(*)::int AS count FROM audit_chain WHERE seal_key <> $1'
  const [row] = await sql.query<{ count: number }>(text, [keyId])
  return row?.count ?? 0
}

const otherKeysSql = `
  SELECT ${chainColumns} FROM audit_chain
  WHERE seal_key <> $1 AND account_id > $2 ORDER BY account_id LIMIT $3`

/** The next of these chains, by account. */
export async function findChainsOfOtherKeys(
  sql: Sql,
  keyId: string,
  after: string,
  limit: number,
): Promise<SealedChain[]> {
  return (await sql.query<ChainRow>(otherKeysSql, [keyId, after, limit])).map(toChain)
}

const saveChainsSql = `
  INSERT INTO audit_chain (${chainColumns})
  SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[], $6::bigint[], $7::timestamptz[],
    $8::text[], $9::bytea[], $10::text[])
  ON CONFLICT (account_id) DO UPDATE SET
    (seq, hash, pruned_seq, pruned_hash, broken_seq, broken_at, broken_by, seal, seal_key) =
    (EXCLUDED.seq, EXCLUDED.hash, EXCLUDED.pruned_seq, EXCLUDED.pruned_hash, EXCLUDED.broken_seq, EXCLUDED.broken_at,
     EXCLUDED.broken_by, EXCLUDED.seal, EXCLUDED.seal_key)`

export async function saveChains(sql: Pick<Sql, 'query'>, chains: readonly SealedChain[]): Promise<void> {
  await sql.query(saveChainsSql, [
    chains.map((chain) => chain.accountId),
    chains.map((chain) => chain.seq),
    chains.map((chain) => Buffer.from(chain.hash, 'hex')),
    chains.map((chain) => chain.prunedSeq),
    chains.map((chain) => Buffer.from(chain.prunedHash, 'hex')),
    chains.map((chain) => chain.broken?.seq ?? null),
    chains.map((chain) => chain.broken?.at ?? null),
    chains.map((chain) => chain.broken?.by ?? null),
    chains.map((chain) => Buffer.from(chain.seal)),
    chains.map((chain) => chain.keyId),
  ])
}

// A list of scopes has no place in an array of arrays of different lengths, so it goes as PostgreSQL's text for it.
const insertEntriesSql = `
  INSERT INTO audit_entry (account_id, seq, at, type, outcome, actor_kind, actor_id, actor_name, subject, credential_kind,
    credential_id, address, user_agent, request_id, operation_name, operation_hash, scopes, data, previous_hash, hash)
  SELECT account_id, seq, at, type, outcome::audit_outcome, actor_kind, actor_id, actor_name, subject, credential_kind,
    credential_id, address, user_agent, request_id, operation_name, operation_hash, scopes::text[], data, previous_hash, hash
  FROM unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
    $18::jsonb[], $19::bytea[], $20::bytea[])
    AS entry (account_id, seq, at, type, outcome, actor_kind, actor_id, actor_name, subject, credential_kind, credential_id,
      address, user_agent, request_id, operation_name, operation_hash, scopes, data, previous_hash, hash)`

const insertedValues: readonly ((entry: AuditEntry) => unknown)[] = [
  ({ accountId }) => accountId,
  ({ seq }) => seq,
  ({ at }) => at,
  ({ type }) => type,
  ({ outcome }) => outcome,
  ({ actor }) => actor.kind,
  ({ actor }) => actor.id,
  ({ actor }) => actor.name,
  ({ subject }) => subject,
  ({ credential }) => credential?.kind,
  ({ credential }) => credential?.id,
  ({ address }) => address,
  ({ userAgent }) => userAgent,
  ({ requestId }) => requestId,
  ({ operation }) => operation?.name,
  ({ operation }) => operation?.hash,
  ({ scopes }) => `{${scopes.map((scope) => JSON.stringify(scope)).join()}}`,
  ({ data }) => JSON.stringify(data),
  ({ previousHash }) => Buffer.from(previousHash, 'hex'),
  ({ hash }) => Buffer.from(hash, 'hex'),
]

export async function insertEntries(sql: Sql, entries: readonly AuditEntry[]): Promise<void> {
  await sql.query(
    insertEntriesSql,
    insertedValues.map((value) => entries.map((entry) => value(entry) ?? null)),
  )
}

/** An entry as the table has it. */
interface EntryRow {
  readonly accountId: string
  readonly seq: bigint | string
  readonly at: Date
  readonly type: string
  readonly outcome: AuditOutcome
  readonly actorKind: string
  readonly actorId: string
  readonly actorName: string
  readonly subject: string
  readonly credentialKind: string | null
  readonly credentialId: string | null
  readonly address: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
  readonly operationName: string | null
  readonly operationHash: string | null
  readonly scopes: string[]
  readonly data: unknown
  readonly previousHash: Uint8Array
  readonly hash: Uint8Array
}

function toAuditEntry(row: EntryRow): AuditEntry {
  return {
    accountId: row.accountId,
    seq: Number(row.seq),
    at: row.at,
    type: row.type,
    outcome: row.outcome,
    actor: { kind: row.actorKind as AuditEntry['actor']['kind'], id: row.actorId, name: row.actorName },
    subject: row.subject,
    credential: row.credentialId === null ? null : { kind: row.credentialKind ?? '', id: row.credentialId },
    address: row.address,
    userAgent: row.userAgent,
    requestId: row.requestId,
    operation: row.operationHash === null ? null : { name: row.operationName, hash: row.operationHash },
    scopes: row.scopes,
    data: row.data as AuditEntry['data'],
    previousHash: Buffer.from(row.previousHash).toString('hex'),
    hash: Buffer.from(row.hash).toString('hex'),
  }
}

const readEntriesSql = `
  SELECT account_id AS "accountId", seq, at, type, outcome, actor_kind AS "actorKind", actor_id AS "actorId",
    actor_name AS "actorName", subject, credential_kind AS "credentialKind", credential_id AS "credentialId", address,
    user_agent AS "userAgent", request_id AS "requestId", operation_name AS "operationName",
    operation_hash AS "operationHash", scopes, data, previous_hash AS "previousHash", hash
  FROM audit_entry WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`

/** An account's entries behind a place in its chain, in their order. */
export async function readEntries(sql: Sql, accountId: string, after: number, limit: number): Promise<AuditEntry[]> {
  return (await sql.query<EntryRow>(readEntriesSql, [accountId, after, limit])).map(toAuditEntry)
}

// An entry's time is that of its transaction's beginning, so an older one may stand behind a younger one: all that stands
// in front of the first one that is to be kept goes.
const prunableSql = `
  SELECT account_id AS "accountId", least(last_old, pruned_seq + $2)::float AS seq
  FROM audit_chain AS chain
  CROSS JOIN LATERAL (
    SELECT coalesce((SELECT seq FROM audit_entry
                     WHERE account_id = chain.account_id AND seq > chain.pruned_seq AND at >= now() - $1 * interval '1 day'
                     ORDER BY seq LIMIT 1) - 1, chain.seq) AS last_old) AS old
  WHERE last_old > pruned_seq`

/** Up to where each chain is older than that, a stretch of at most `limit` entries. */
export async function findPrunable(
  sql: Sql,
  days: number,
  limit: number,
): Promise<{ accountId: string; seq: number }[]> {
  return sql.query(prunableSql, [days, limit])
}

/** The hash of one entry; undefined when it isn't there. */
export async function findHash(sql: Sql, accountId: string, seq: number): Promise<string | undefined> {
  const [row] = await sql.query<{ hash: Buffer }>('SELECT hash FROM audit_entry WHERE account_id = $1 AND seq = $2', [
    accountId,
    seq,
  ])
  return row?.hash.toString('hex')
}

/** Drops an account's entries up to this one, whose chain has its anchor there already. */
export async function deleteEntries(sql: Sql, accountId: string, upTo: number): Promise<void> {
  await sql.query('DELETE FROM audit_entry WHERE account_id = $1 AND seq <= $2', [accountId, upTo])
}
