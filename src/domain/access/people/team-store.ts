import type { Sql } from '#platform/database/sql.ts'
import type { PersonRole, TeamFacts } from './user.ts'

export interface TeamRow extends TeamFacts {
  readonly accountId: string
  readonly id: string
}

const insertTeamSql = `
  INSERT INTO team (account_id, id, slug, name, description) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT DO NOTHING RETURNING id`

/** Writes a team; false when the account has one of this slug. */
export async function insertTeam(sql: Sql, { accountId, id, slug, name, description }: TeamRow): Promise<boolean> {
  return (await sql.query(insertTeamSql, [accountId, id, slug, name, description])).length > 0
}

const lockTeamSql = `
  SELECT account_id AS "accountId", id, slug, name, description FROM team WHERE account_id = $1 AND slug = $2 FOR UPDATE`

/** Reads a team, and keeps others from changing it or its members until the transaction ends. */
export async function lockTeam(sql: Sql, accountId: string, slug: string): Promise<TeamRow | undefined> {
  const [row] = await sql.query<TeamRow>(lockTeamSql, [accountId, slug])
  return row
}

export async function hasTeam(sql: Sql, accountId: string, id: string): Promise<boolean> {
  return (await sql.query('SELECT id FROM team WHERE account_id = $1 AND id = $2', [accountId, id])).length > 0
}

export async function updateTeam(sql: Sql, { accountId, id, name, description }: TeamRow): Promise<void> {
  await sql.query('UPDATE team SET name = $3, description = $4 WHERE account_id = $1 AND id = $2', [
    accountId,
    id,
    name,
    description,
  ])
}

/** How many teams the account has; none can be added or deleted by others until the transaction ends. */
export async function countTeams(sql: Sql, accountId: string): Promise<number> {
  return (await sql.query('SELECT id FROM team WHERE account_id = $1 ORDER BY id FOR UPDATE', [accountId])).length
}

export async function deleteTeam(sql: Sql, accountId: string, id: string): Promise<void> {
  await sql.query('DELETE FROM team WHERE account_id = $1 AND id = $2', [accountId, id])
}

export interface MemberRow {
  readonly userId: string
  readonly role: PersonRole
}

/** Read under the team's lock. */
export async function findMembers(sql: Sql, accountId: string, teamId: string): Promise<MemberRow[]> {
  return sql.query(
    'SELECT user_id AS "userId", role FROM team_member WHERE account_id = $1 AND team_id = $2 ORDER BY user_id',
    [accountId, teamId],
  )
}

/** The teams that a person would leave without an owner. */
export async function teamsOwnedAlone(sql: Sql, accountId: string, userId: string): Promise<string[]> {
  const rows = await sql.query<{ slug: string }>(ownedAloneSql, [accountId, userId])
  return rows.map(({ slug }) => slug)
}

const ownedAloneSql = `
  SELECT team.slug FROM team_member AS own JOIN team ON team.account_id = own.account_id AND team.id = own.team_id
  WHERE own.account_id = $1 AND own.user_id = $2 AND own.role = 'OWNER' AND NOT EXISTS (
    SELECT FROM team_member AS other WHERE other.account_id = own.account_id AND other.team_id = own.team_id
      AND other.role = 'OWNER' AND other.user_id <> own.user_id)
  ORDER BY team.slug FOR UPDATE OF team`

export async function insertMember(sql: Sql, accountId: string, teamId: string, member: MemberRow): Promise<void> {
  await sql.query('INSERT INTO team_member (account_id, team_id, user_id, role) VALUES ($1, $2, $3, $4::role)', [
    accountId,
    teamId,
    member.userId,
    member.role,
  ])
}

export async function updateMember(sql: Sql, accountId: string, teamId: string, member: MemberRow): Promise<void> {
  await sql.query('UPDATE team_member SET role = $4::role WHERE account_id = $1 AND team_id = $2 AND user_id = $3', [
    accountId,
    teamId,
    member.userId,
    member.role,
  ])
}

export async function deleteMember(sql: Sql, accountId: string, teamId: string, userId: string): Promise<void> {
  await sql.query('DELETE FROM team_member WHERE account_id = $1 AND team_id = $2 AND user_id = $3', [
    accountId,
    teamId,
    userId,
  ])
}

/** Ends all memberships of a person. */
export async function deleteMemberships(sql: Sql, accountId: string, userId: string): Promise<void> {
  await sql.query('DELETE FROM team_member WHERE account_id = $1 AND user_id = $2', [accountId, userId])
}
