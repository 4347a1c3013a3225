import type { Sql } from '#platform/database/sql.ts'
import { isSuspended } from '#platform/database/suspended.ts'
import type { OrgFacts, OrgKey, OrgRow, OrgState } from './org.ts'

const columns = `account_id AS "accountId", id, username, org_id AS "orgId", name, instance_url AS "instanceUrl",
  instance_name AS "instanceName", login_url AS "loginUrl", kind, edition, is_dev_hub AS "isDevHub",
  is_default AS "isDefault", parent_username AS "parentUsername", expires_at AS "expiresAt",
  newest_api_version AS "newestApiVersion", metadata, method, credential, credential_version AS "credentialVersion",
  access_token AS "accessToken", access_version AS "accessVersion", refreshing,
  coalesce(refreshing_until > now(), false) AS "isRefreshing", state, state_message AS "stateMessage",
  created_by AS "createdBy"`

const findSql = `SELECT ${columns} FROM salesforce_org WHERE account_id = $1 AND id = $2`
const findByUsernameSql = `SELECT ${columns} FROM salesforce_org WHERE account_id = $1 AND username = $2`
const lockSql = `${findSql} FOR UPDATE`

export async function findOrg(sql: Sql, { accountId, id }: OrgKey): Promise<OrgRow | undefined> {
  return (await sql.query<OrgRow>(findSql, [accountId, id]))[0]
}

export async function findOrgByUsername(sql: Sql, accountId: string, username: string): Promise<OrgRow | undefined> {
  return (await sql.query<OrgRow>(findByUsernameSql, [accountId, username.toLowerCase()]))[0]
}

const findDefaultSql = `SELECT ${columns} FROM salesforce_org WHERE account_id = $1 AND is_default`

/** The account's default org. */
export async function findDefaultOrg(sql: Sql, accountId: string): Promise<OrgRow | undefined> {
  return (await sql.query<OrgRow>(findDefaultSql, [accountId]))[0]
}

/** The row, locked until the transaction ends. */
export async function lockOrg(tx: Sql, { accountId, id }: OrgKey): Promise<OrgRow | undefined> {
  return (await tx.query<OrgRow>(lockSql, [accountId, id]))[0]
}

/** What a registration stores. */
export interface NewOrg
  extends OrgFacts,
    Pick<
      OrgRow,
      'accountId' | 'id' | 'instanceUrl' | 'loginUrl' | 'parentUsername' | 'method' | 'credential' | 'createdBy'
    > {
  /** Encrypted. */
  readonly accessToken: string
  /** Undefined: as it is, or not at first. */
  readonly isDefault: boolean | undefined
  /** Undefined: as it is, or empty at first. */
  readonly metadata: object | undefined
  readonly refreshDueAt: Date
}

const upsertSql = `
  INSERT INTO salesforce_org (account_id, id, username, org_id, name, instance_url, instance_name, login_url, kind, edition,
    is_dev_hub, is_default, parent_username, expires_at, newest_api_version, metadata, method, credential, access_token,
    access_version, refresh_due_at, created_by)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, false), $13, $14, $15,
    coalesce($16::jsonb, '{}'::jsonb), $17, $18, $19, 1, $20, $21)
  ON CONFLICT (account_id, username) DO UPDATE SET
    org_id = excluded.org_id, name = excluded.name, instance_url = excluded.instance_url,
    instance_name = excluded.instance_name, login_url = excluded.login_url, kind = excluded.kind,
    edition = excluded.edition, is_dev_hub = excluded.is_dev_hub, is_default = coalesce($12, salesforce_org.is_default),
    parent_username = coalesce(excluded.parent_username, salesforce_org.parent_username),
    expires_at = excluded.expires_at, newest_api_version = excluded.newest_api_version,
    metadata = coalesce($16::jsonb, salesforce_org.metadata), method = excluded.method,
    credential = excluded.credential, credential_version = salesforce_org.credential_version + 1,
    access_token = excluded.access_token, access_version = salesforce_org.access_version + 1, refreshing = NULL, refreshing_until = NULL,
    state = 'ACTIVE', state_message = NULL, state_since = CASE WHEN salesforce_org.state = 'ACTIVE'
      THEN salesforce_org.state_since ELSE now() END,
    refreshed_at = now(), refresh_due_at = excluded.refresh_due_at, expiry_announced_at = NULL, updated_at = now()
  RETURNING id, is_default AS "isDefault", xmax = 0 AS "isNew"`

const clearDefaultSql = `
  UPDATE salesforce_org SET is_default = false, updated_at = now()
  WHERE account_id = $1 AND username <> $2 AND is_default`

/** Takes the default from the others of the account. */
export async function clearDefault(tx: Sql, accountId: string, exceptUsername: string): Promise<void> {
  await tx.query(clearDefaultSql, [accountId, exceptUsername])
}

/** Stores an org; one of the same username is replaced, and keeps its id. */
export async function upsertOrg(tx: Sql, org: NewOrg): Promise<{ id: string; isDefault: boolean; isNew: boolean }> {
  const [stored] = await tx.query<{ id: string; isDefault: boolean; isNew: boolean }>(upsertSql, [
    org.accountId,
    org.id,
    org.username,
    org.orgId,
    org.name,
    org.instanceUrl,
    org.instanceName,
    org.loginUrl,
    org.kind,
    org.edition,
    org.isDevHub,
    org.isDefault ?? null,
    org.parentUsername,
    org.expiresAt ?? null,
    org.newestApiVersion,
    org.metadata === undefined ? null : JSON.stringify(org.metadata),
    org.method,
    org.credential,
    org.accessToken,
    org.refreshDueAt,
    JSON.stringify(org.createdBy),
  ])
  return stored as NonNullable<typeof stored>
}

const settingsSql = `
  UPDATE salesforce_org SET is_default = $3, is_dev_hub = $4, metadata = $5, updated_at = now()
  WHERE account_id = $1 AND id = $2`

/** Stores what people decide about an org. */
export async function saveSettings(
  tx: Sql,
  {
    accountId,
    id,
    isDefault,
    isDevHub,
    metadata,
  }: Pick<OrgRow, 'accountId' | 'id' | 'isDefault' | 'isDevHub' | 'metadata'>,
): Promise<void> {
  await tx.query(settingsSql, [accountId, id, isDefault, isDevHub, JSON.stringify(metadata)])
}

export async function deleteOrg(tx: Sql, { accountId, id }: OrgKey): Promise<void> {
  await tx.query('DELETE FROM salesforce_org WHERE account_id = $1 AND id = $2', [accountId, id])
}

const claimSql = `
  UPDATE salesforce_org SET refreshing = $3, refreshing_until = now() + $4 * interval '1 ms'
  WHERE account_id = $1 AND id = $2`

/** Notes that this process alone requests tokens for a time, and with which refresh token. */
export async function claimRefresh(
  tx: Sql,
  { accountId, id }: OrgKey,
  { tokenHash, leaseMs }: { tokenHash: Uint8Array | undefined; leaseMs: number },
): Promise<void> {
  await tx.query(claimSql, [accountId, id, tokenHash ?? null, leaseMs])
}

const saveTokensSql = `
  UPDATE salesforce_org SET credential = $3, access_token = $4, access_version = access_version + 1, instance_url = $5,
    refreshing = NULL, refreshing_until = NULL, state = 'ACTIVE', state_message = NULL,
    state_since = CASE WHEN state = 'ACTIVE' THEN state_since ELSE now() END,
    refreshed_at = now(), refresh_due_at = $6, expiry_announced_at = NULL
  WHERE account_id = $1 AND id = $2 RETURNING access_version AS "accessVersion"`

/** Stores a new access token, and the credential for the next one; both encrypted. Returns the token's version. */
export async function saveTokens(
  tx: Sql,
  { accountId, id }: OrgKey,
  tokens: { credential: string; accessToken: string; instanceUrl: string; refreshDueAt: Date },
): Promise<number> {
  const { credential, accessToken, instanceUrl, refreshDueAt } = tokens
  const values = [accountId, id, credential, accessToken, instanceUrl, refreshDueAt]
  return (await tx.query<{ accessVersion: number }>(saveTokensSql, values))[0]?.accessVersion ?? 0
}

const saveStateSql = `
  UPDATE salesforce_org SET state = $3, state_message = $4,
    state_since = CASE WHEN state = $3 THEN state_since ELSE now() END
  WHERE account_id = $1 AND id = $2`

export async function saveState(
  tx: Sql,
  { accountId, id }: OrgKey,
  state: OrgState,
  message: string | null,
): Promise<void> {
  await tx.query(saveStateSql, [accountId, id, state, message])
}

const endClaimSql = `
  UPDATE salesforce_org SET refreshing = NULL, refreshing_until = NULL WHERE account_id = $1 AND id = $2`

/** Lets others request tokens again. */
export async function endClaim(tx: Sql, { accountId, id }: OrgKey): Promise<void> {
  await tx.query(endClaimSql, [accountId, id])
}

// Ended authorizations stay as they are; orgs of suspended accounts wait.
/** How many orgs an account has. */
export async function countOrgs(sql: Sql, accountId: string): Promise<number> {
  const text = 'SELECT count(*)::int AS count FROM salesforce_org WHERE account_id = $1'
  return (await sql.query<{ count: number }>(text, [accountId]))[0]?.count ?? 0
}

const claimDueSql = `
  UPDATE salesforce_org SET refresh_due_at = $1 WHERE id IN (
    SELECT id FROM salesforce_org
    WHERE refresh_due_at <= now() AND NOT ${isSuspended('salesforce_org.account_id')}
      AND NOT (state = 'NEEDS_REAUTHORIZATION' AND method IN ('WEB', 'AUTH_URL'))
    ORDER BY refresh_due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
  RETURNING account_id AS "accountId", id, access_version AS "accessVersion"`

/** Orgs that are to be refreshed now; if nothing comes of it, others take them again at `nextAt`. */
export async function claimDue(
  tx: Sql,
  nextAt: Date,
  limit: number,
): Promise<(OrgKey & { readonly accessVersion: number })[]> {
  return tx.query(claimDueSql, [nextAt, limit])
}

const announceSql = `
  UPDATE salesforce_org SET expiry_announced_at = now() WHERE id IN (
    SELECT id FROM salesforce_org
    WHERE expiry_announced_at IS NULL AND state <> 'NEEDS_REAUTHORIZATION'
      AND (expires_at <= $1 OR method IN ('WEB', 'AUTH_URL') AND refreshed_at <= $2)
    LIMIT $3 FOR UPDATE SKIP LOCKED)
  RETURNING account_id AS "accountId", id, username, org_id AS "orgId", kind, expires_at AS "expiresAt",
    coalesce(expires_at <= $1, false) AS "isOrgExpiring"`

export interface ExpiringOrg extends Pick<OrgRow, 'accountId' | 'id' | 'username' | 'orgId' | 'kind' | 'expiresAt'> {
  /** Whether it is the org that expires, and not its authorization. */
  readonly isOrgExpiring: boolean
}

/** Orgs that expire before a time, or whose refresh token was not used since another, each once. */
export async function claimExpiring(
  tx: Sql,
  { before, unusedSince, limit }: { before: Date; unusedSince: Date; limit: number },
): Promise<ExpiringOrg[]> {
  return tx.query(announceSql, [before, unusedSince, limit])
}

const insertLoginSql = `
  INSERT INTO salesforce_login (id, account_id, state_hash, request, expires_at) VALUES ($1, $2, $3, $4, $5)`

/** Keeps what the callback of a web flow needs. */
export async function insertLogin(
  tx: Sql,
  login: { id: string; accountId: string; stateHash: Uint8Array; request: string; expiresAt: Date },
): Promise<void> {
  await tx.query(insertLoginSql, [login.id, login.accountId, login.stateHash, login.request, login.expiresAt])
}

const takeLoginSql = `
  DELETE FROM salesforce_login WHERE state_hash = $1 RETURNING request, expires_at > now() AS "isValid"`

/** What {@link insertLogin} has kept, once; undefined when there is nothing, or no longer. */
export async function takeLogin(tx: Sql, stateHash: Uint8Array): Promise<string | undefined> {
  const [login] = await tx.query<{ request: string; isValid: boolean }>(takeLoginSql, [stateHash])
  return login?.isValid ? login.request : undefined
}

/** Deletes web flows that nobody came back from. */
export async function deleteOldLogins(sql: Sql): Promise<void> {
  await sql.query('DELETE FROM salesforce_login WHERE expires_at <= now()')
}
