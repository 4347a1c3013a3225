import type { Caller } from '#domain/access/caller.ts'
import { sessionEvent } from '#domain/access/events.ts'
import { isOneself, mustManage, mustSee } from '#domain/access/people/authority.ts'
import { normalEmail } from '#domain/access/people/user.ts'
import { lock as lockUserOf } from '#domain/access/people/user-service.ts'
import { isId } from '#lib/ids.ts'
import type { Transact } from '#platform/database/transaction.ts'
import { SessionNotFound } from './errors.ts'
import { endSession, endSomeSessions, findSessionUser } from './session-store.ts'

const endedAtOnce = 500

/** The commands for sessions that exist: people's own, and those of people whom a caller manages. */
export function createSessionCommands({ transact }: { transact: Transact }) {
  /**
   * Ends a session: without an id, that of this request; otherwise any session of a person whom the caller manages.
   * @throws {SessionNotFound} @throws {ScopeNotHeld}
   */
  async function end(caller: Caller, id: string | undefined): Promise<string> {
    const own = caller.credential.kind === 'session' ? caller.credential.id : undefined
    const wanted = id ?? own ?? 'of this request'
    return transact(async (tx) => {
      const user = isId(wanted) ? await findSessionUser(tx, caller.accountId, wanted) : undefined
      if (wanted !== own) {
        // Whether the session exists is for those who could manage it.
        if (user === undefined && id !== undefined) caller.must('access:admin')
        if (user !== undefined) mustManage(caller, user)
      }
      const ended = user && (await endSession(tx, caller.accountId, wanted, 'signed out'))
      if (ended === undefined) throw new SessionNotFound(wanted)
      const session = { accountId: caller.accountId, ...ended }
      tx.journal(sessionEvent('auth.session_ended', session, caller.by(), { reason: 'signed out' }))
      return wanted
    })
  }

  /** Whose sessions the caller may see of those that they ask for: as a condition for people. @throws {Forbidden} */
  function personIn(caller: Caller, who: string | undefined): { id?: string; email?: string } {
    if (who === undefined && caller.actor.kind === 'user') return { id: caller.actor.id }
    if (who === undefined || !isOneself(caller, who)) caller.must('access:admin')
    if (who === undefined) return {}
    return isId(who) ? { id: who.toLowerCase() } : { email: normalEmail(who) ?? who }
  }

  /**
   * Ends all sessions of a person whom the caller manages, optionally except that of this request. Returns how many have
   * ended. @throws {UserNotFound} @throws {ScopeNotHeld}
   */
  async function endAll(caller: Caller, who: string | undefined, keepsOwn: boolean): Promise<number> {
    const whose = who ?? caller.actor.id
    mustSee(caller, whose)
    const kept = keepsOwn && caller.credential.kind === 'session' ? caller.credential.id : undefined
    let count = 0
    for (let ended = endedAtOnce; ended === endedAtOnce; count += ended)
      ended = await transact(async (tx) => {
        const user = await lockUserOf(tx, caller, whose)
        mustManage(caller, user)
        const { id: userId, accountId, email } = user
        const ids = await endSomeSessions(tx, { accountId, userId, kept, reason: 'signed out', limit: endedAtOnce })
        for (const id of ids) {
          const session = { accountId, id, userId }
          tx.journal(sessionEvent('auth.session_ended', session, caller.by(), { email, reason: 'signed out' }))
        }
        return ids.length
      })
    return count
  }

  return { end, endAll, personIn }
}
