import type { Sql } from '#platform/database/sql.ts'
import type {
  Assignment,
  AssignmentType,
  EnvironmentCategory,
  EnvironmentFields,
  EnvironmentRow,
} from './environment.ts'

const columns = `account_id AS "accountId", id, name, description, category, repository, org_username AS "orgUsername",
  dev_hub_username AS "devHubUsername", is_active AS "isActive", is_default AS "isDefault", branch, tags, metadata, position,
  expires_at AS "expiresAt", assignment, created_by AS "createdBy", created_at AS "createdAt", updated_at AS "updatedAt"`

const insertSql = `
  INSERT INTO environment (account_id, id, name, description, category, repository, org_username, dev_hub_username,
    is_active, is_default, branch, tags, metadata, position, expires_at, created_by)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
  ON CONFLICT (account_id, repository, name) DO NOTHING RETURNING ${columns}`

function valuesOf(fields: EnvironmentFields): unknown[] {
  return [
    ...[fields.name, fields.description, fields.category, fields.repository, fields.orgUsername, fields.devHubUsername],
    ...[
      fields.isActive,
      fields.isDefault,
      fields.branch,
      fields.tags,
      JSON.stringify(fields.metadata),
      fields.position,
    ],
    fields.expiresAt,
  ]
}

/** Undefined when there is one of that name. */
export async function insertEnvironment(
  sql: Sql,
  { accountId, id, createdBy, ...fields }: EnvironmentFields & Pick<EnvironmentRow, 'accountId' | 'id' | 'createdBy'>,
): Promise<EnvironmentRow | undefined> {
  const values = [accountId, id, ...valuesOf(fields), JSON.stringify(createdBy)]
  return (await sql.query<EnvironmentRow>(insertSql, values))[0]
}

const takenSql = 'SELECT 1 FROM environment WHERE account_id = $1 AND repository = $2 AND name = $3 AND id <> $4'

/** Whether another environment has that name. */
export async function isNameTaken(sql: Sql, { accountId, repository, name, id }: EnvironmentRow): Promise<boolean> {
  return (await sql.query(takenSql, [accountId, repository, name, id])).length > 0
}

const updateSql = `
  UPDATE environment SET name = $3, description = $4, category = $5, repository = $6, org_username = $7,
    dev_hub_username = $8, is_active = $9, is_default = $10, branch = $11, tags = $12, metadata = $13, position = $14,
    expires_at = $15, updated_at = now()
  WHERE account_id = $1 AND id = $2 RETURNING ${columns}`

export async function updateEnvironment(sql: Sql, row: EnvironmentRow): Promise<EnvironmentRow | undefined> {
  return (await sql.query<EnvironmentRow>(updateSql, [row.accountId, row.id, ...valuesOf(row)]))[0]
}

export async function deleteEnvironment(sql: Sql, { accountId, id }: EnvironmentRow): Promise<void> {
  await sql.query('DELETE FROM environment WHERE account_id = $1 AND id = $2', [accountId, id])
}

const findSql = `SELECT ${columns} FROM environment WHERE account_id = $1 AND id = ANY($2::uuid[])`

export async function findEnvironments(sql: Sql, accountId: string, ids: readonly string[]): Promise<EnvironmentRow[]> {
  return sql.query<EnvironmentRow>(findSql, [accountId, ids])
}

export async function lockEnvironment(sql: Sql, accountId: string, id: string): Promise<EnvironmentRow | undefined> {
  return (await sql.query<EnvironmentRow>(`${findSql} FOR UPDATE`, [accountId, [id]]))[0]
}

/** What environments are selected by; all that is given must match. */
export interface EnvironmentFilter {
  readonly category?: EnvironmentCategory | null | undefined
  readonly repository?: string | null | undefined
  readonly branch?: string | null | undefined
  readonly isActive?: boolean | null | undefined
  /** All of these. */
  readonly tags?: readonly string[] | null | undefined
}

const filterSql = `account_id = $1 AND ($2::environment_category IS NULL OR category = $2)
  AND ($3::text IS NULL OR repository = $3) AND ($4::text IS NULL OR branch = $4)
  AND ($5::boolean IS NULL OR is_active = $5) AND ($6::text[] IS NULL OR tags @> $6)`

const filterValues = (accountId: string, { category, repository, branch, isActive, tags }: EnvironmentFilter) => [
  accountId,
  category ?? null,
  repository ?? null,
  branch ?? null,
  isActive ?? null,
  tags ?? null,
]

const listSql = `
  SELECT ${columns} FROM environment
  WHERE ${filterSql} AND ($7::text IS NULL OR (repository, name) > ($7, $8)) ORDER BY repository, name LIMIT $9`

/** Environments by repository and name, behind one of them. */
export async function listEnvironments(
  sql: Sql,
  accountId: string,
  filter: EnvironmentFilter,
  { after, limit }: { after: { repository: string; name: string } | undefined; limit: number },
): Promise<EnvironmentRow[]> {
  const values = [...filterValues(accountId, filter), after?.repository ?? null, after?.name ?? null, limit]
  return sql.query<EnvironmentRow>(listSql, values)
}

const usableSql = `
  SELECT ${columns} FROM environment
  WHERE ${filterSql} AND is_active AND (expires_at IS NULL OR expires_at > now())
    AND ($7::uuid[] IS NULL OR id = ANY($7))
  ORDER BY is_default DESC, position NULLS LAST, repository, name LIMIT $8`

/** Environments that can be acquired, the preferred ones first. */
export async function findUsable(
  sql: Sql,
  accountId: string,
  filter: EnvironmentFilter & { readonly ids?: readonly string[] | null | undefined },
  limit: number,
): Promise<EnvironmentRow[]> {
  return sql.query<EnvironmentRow>(usableSql, [...filterValues(accountId, filter), filter.ids ?? null, limit])
}

const assignSql = 'UPDATE environment SET assignment = $3, updated_at = now() WHERE account_id = $1 AND id = $2'

export async function saveAssignment(
  sql: Sql,
  { accountId, id }: Pick<EnvironmentRow, 'accountId' | 'id'>,
  assignment: Assignment | null,
): Promise<void> {
  await sql.query(assignSql, [accountId, id, assignment === null ? null : JSON.stringify(assignment)])
}

const assignedSql = `
  SELECT ${columns} FROM environment
  WHERE account_id = $1 AND repository = $2 AND assignment->>'type' = $3 AND assignment->>'id' = $4
  ORDER BY assignment->>'at' DESC LIMIT 1`

/** The environment that was last set aside for something. */
export async function findAssigned(
  sql: Sql,
  accountId: string,
  { repository, type, id }: { repository: string; type: AssignmentType; id: string },
): Promise<EnvironmentRow | undefined> {
  return (await sql.query<EnvironmentRow>(assignedSql, [accountId, repository, type, id]))[0]
}

const countSql = 'SELECT count(*)::int AS count FROM environment WHERE account_id = $1'

export async function countEnvironments(sql: Sql, accountId: string): Promise<number> {
  return (await sql.query<{ count: number }>(countSql, [accountId]))[0]?.count ?? 0
}
