import type { Caller } from '#domain/access/caller.ts'
import { teamEvent } from '#domain/access/events.ts'
import { newId } from '#lib/ids.ts'
import { runOnce } from '#platform/database/idempotency.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import { isNarrowed, isOneself } from './authority.ts'
import { AlreadyMember, LastOwner, LastTeam, MemberNotFound, OwnRoleRaised, SlugTaken, TeamNotFound } from './errors.ts'
import {
  countTeams,
  deleteMember,
  deleteTeam,
  findMembers,
  hasTeam,
  insertMember,
  insertTeam,
  lockTeam,
  type MemberRow,
  type TeamRow,
  updateMember,
  updateTeam,
} from './team-store.ts'
import { isRaise, type PersonRole, type TeamFacts, validTeam } from './user.ts'
import { lock as lockUser } from './user-service.ts'
import type { UserRow } from './user-store.ts'

/** The teams of an account. Teams are named by slug, their members by id or e-mail address. */
export function createTeamService({ transact }: { readonly transact: Transact }) {
  /**
   * Creates a team, owned by the person who creates it; at most once per idempotency key.
   * @throws {InvalidInput} @throws {SlugTaken} @throws {IdempotencyKeyReused} @throws {TeamNotFound} when it has gone since
   */
  async function create(caller: Caller, facts: TeamFacts, key?: string): Promise<string> {
    caller.must('access:admin')
    const { accountId, principalId, actor } = caller
    const request = validTeam(facts)
    return transact(async (tx) => {
      const keyed = { accountId, principalId, key, operation: 'createTeam', request }
      const { outcome, isRepeated } = await runOnce(tx, keyed, async () => {
        const team = { ...request, accountId, id: newId() }
        if (!(await insertTeam(tx, team))) throw new SlugTaken(team.slug)
        if (actor.kind === 'user') await insertMember(tx, accountId, team.id, { userId: actor.id, role: 'OWNER' })
        note(tx, caller, 'auth.team_created', team)
        return team.id
      })
      if (isRepeated && !(await hasTeam(tx, accountId, outcome))) throw new TeamNotFound(request.slug)
      return outcome
    })
  }

  /** Renames a team; what is undefined stays. @throws {TeamNotFound} @throws {InvalidInput} */
  async function update(
    caller: Caller,
    slug: string,
    changes: { readonly name?: string | undefined; readonly description?: string | undefined },
  ): Promise<string> {
    return inTeam(caller, slug, async (tx, { team }) => {
      const { name = team.name, description = team.description } = changes
      const next = { ...team, ...validTeam({ slug: team.slug, name, description }) }
      await updateTeam(tx, next)
      note(tx, caller, 'auth.team_changed', next)
    })
  }

  /** @throws {TeamNotFound} @throws {LastTeam} */
  async function remove(caller: Caller, slug: string): Promise<string> {
    return inTeam(caller, slug, async (tx, { team }) => {
      if ((await countTeams(tx, team.accountId)) === 1) throw new LastTeam(team.slug)
      await deleteTeam(tx, team.accountId, team.id)
      note(tx, caller, 'auth.team_deleted', team)
    })
  }

  /** @throws {TeamNotFound} @throws {UserNotFound} @throws {AlreadyMember} @throws {IdempotencyKeyReused} */
  async function addMember(caller: Caller, slug: string, who: string, role: PersonRole, key?: string): Promise<string> {
    return inTeam(caller, slug, async (tx, { team, members }) => {
      const { accountId, principalId } = caller
      const keyed = { accountId, principalId, key, operation: 'addTeamMember', request: { slug, who, role } }
      await runOnce(tx, keyed, async () => {
        const user = await lockUser(tx, caller, who)
        if (members.some(({ userId }) => userId === user.id)) throw new AlreadyMember(user.email, team.slug)
        await insertMember(tx, accountId, team.id, { userId: user.id, role })
        note(tx, caller, 'auth.team_member_added', team, { ...user, role })
        return team.id
      })
    })
  }

  /** @throws {TeamNotFound} @throws {MemberNotFound} @throws {OwnRoleRaised} @throws {LastOwner} */
  async function setMemberRole(caller: Caller, slug: string, who: string, role: PersonRole): Promise<string> {
    return inTeam(caller, slug, async (tx, { team, members }) => {
      const user = await lockUser(tx, caller, who)
      const member = memberOf(members, user, team)
      if (user.id === caller.actor.id && isRaise(member.role, role)) throw new OwnRoleRaised()
      if (isRaise(role, member.role)) mustLeaveAnOwner(members, user, team)
      await updateMember(tx, team.accountId, team.id, { userId: user.id, role })
      note(tx, caller, 'auth.team_member_changed', team, { ...user, role })
    })
  }

  /** Removes a member; people may leave by themselves, unless their session is narrowed. @throws {TeamNotFound} @throws {MemberNotFound} @throws {LastOwner} */
  async function removeMember(caller: Caller, slug: string, who: string): Promise<string> {
    return transact(async (tx) => {
      const team = await lockOwn(tx, caller, slug)
      const members = await findMembers(tx, team.accountId, team.id)
      if (!isOneself(caller, who) || isNarrowed(caller)) mustManage(caller, members)
      const user = await lockUser(tx, caller, who)
      const member = memberOf(members, user, team)
      if (member.role === 'OWNER') mustLeaveAnOwner(members, user, team)
      await deleteMember(tx, team.accountId, team.id, user.id)
      note(tx, caller, 'auth.team_member_removed', team, user)
      return team.id
    })
  }

  /** Does something with a team that the caller manages. */
  async function inTeam(
    caller: Caller,
    slug: string,
    work: (tx: Transaction, found: { team: TeamRow; members: readonly MemberRow[] }) => Promise<void>,
  ): Promise<string> {
    return transact(async (tx) => {
      const team = await lockOwn(tx, caller, slug)
      const members = await findMembers(tx, team.accountId, team.id)
      mustManage(caller, members)
      await work(tx, { team, members })
      return team.id
    })
  }

  return { create, update, remove, addMember, setMemberRole, removeMember }
}

/** @throws {TeamNotFound} @throws {Forbidden} instead for who could not manage it either. */
async function lockOwn(tx: Transaction, caller: Caller, slug: string): Promise<TeamRow> {
  const team = await lockTeam(tx, caller.accountId, slug)
  if (team !== undefined) return team
  caller.must('access:admin')
  throw new TeamNotFound(slug)
}

/** A team is managed by its owners, unless their session is narrowed, and by `access:admin`. @throws {Forbidden} */
function mustManage(caller: Caller, members: readonly MemberRow[]): void {
  const own = members.find(({ userId }) => caller.actor.kind === 'user' && userId === caller.actor.id)
  if (own?.role !== 'OWNER' || isNarrowed(caller)) caller.must('access:admin')
}

function memberOf(members: readonly MemberRow[], { id, email }: UserRow, { slug }: TeamRow): MemberRow {
  const member = members.find(({ userId }) => userId === id)
  if (member === undefined) throw new MemberNotFound(email, slug)
  return member
}

function mustLeaveAnOwner(members: readonly MemberRow[], { id }: UserRow, { slug }: TeamRow): void {
  if (!members.some(({ userId, role }) => role === 'OWNER' && userId !== id)) throw new LastOwner(`the team ${slug}`)
}

function note(
  tx: Transaction,
  caller: Caller,
  type: Parameters<typeof teamEvent>[0],
  team: TeamRow,
  member?: Pick<UserRow, 'id' | 'email' | 'role'>,
): void {
  const of = member && { member: { id: member.id, email: member.email, role: member.role } }
  tx.journal(teamEvent(type, team, caller.by(), { name: team.name, ...of }))
}
