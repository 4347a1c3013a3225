import type { Caller, Identity, RequestOrigin } from '#domain/access/caller.ts'
import type { Submission, TaskService } from '#domain/tasks/service.ts'
import type { Clock } from '#lib/clock.ts'
import { compositeKey } from '#lib/composite-key.ts'
import { errorMessage, InvalidInput } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import type { Logger } from '#platform/telemetry/log.ts'
import { DeliveryIdReused, HookCallReplayed, HookNotFound } from './errors.ts'
import type { HookEventType } from './events.ts'
import { defaultHookBytes, isAbout, taskOf } from './hook.ts'
import { type RefusedCall, RefusedCalls } from './refused-calls.ts'
import { deleteOldCalls, findAccount, findCall, type InboundCall, insertCall, noteTasks } from './store.ts'
import { type Hook, provesByHeaders, type RawCall, type VerifiedCall, verify } from './verification.ts'

export interface HookServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly tasks: Pick<TaskService, 'submitWithin'>
  readonly hooks: readonly Hook[]
  readonly createCaller: (identity: Identity, request: RequestOrigin) => Caller
  /** Who makes a call that has proved nothing. */
  readonly byStranger: (request: RequestOrigin) => By
  readonly clock: Clock
  readonly log: Logger
}

/** The outcome of a call. */
export interface TakenCall {
  readonly deliveryId: string
  /** Whether it came before: then these are the tasks of that time. */
  readonly isRepeated: boolean
  readonly taskIds: readonly string[]
}

/** What others call from outside, and the tasks that follow. */
export type HookService = ReturnType<typeof createHookService>

/** How long a call is known, in days: GitHub lets its deliveries be sent again for three. */
const knownDays = 30
const forgottenAtOnce = 1_000

export function createHookService(deps: HookServiceDeps) {
  const { sql, transact, tasks, hooks, createCaller, log } = deps
  const byId = new Map(hooks.map((hook) => [hook.id, hook]))
  const refusedCalls = new RefusedCalls(deps)

  /** @throws {HookNotFound} */
  function get(id: string): Hook {
    const hook = byId.get(id)
    if (hook === undefined) throw new HookNotFound()
    return hook
  }

  /**
   * What a call's headers say before its body is read: whether they prove where it comes from, and the most bytes that the
   * hook takes. @throws {HookNotFound} @throws {HookSignatureRefused} when no body could make it right
   */
  function expect(id: string, headers: RawCall['headers']): { isProved: boolean; maxBytes: number } {
    const hook = get(id)
    return { isProved: provesByHeaders(hook, headers), maxBytes: hook.maxBytes ?? defaultHookBytes }
  }

  /**
   * The caller that a hook runs as, once the call has proved where it comes from.
   * @throws {HookNotFound} @throws {HookSignatureRefused} @throws {InvalidInput}
   */
  async function admit(id: string, raw: RawCall, request: RequestOrigin) {
    const hook = get(id)
    const call = verify(hook, raw)
    const accountId = await findAccount(sql, hook.account)
    if (accountId === undefined) throw new HookNotFound()
    return { call, caller: createCaller(identityOf(hook, accountId), request) }
  }

  /**
   * Takes a call, with the tasks that the hook's rules want of it, in one commit: all or nothing, and once, however often
   * it comes.
   * @throws {HookCallReplayed} @throws {DeliveryIdReused} @throws {InvalidInput} @throws {UnknownTaskType} @throws {QuotaExceeded}
   */
  async function take(caller: Caller, call: VerifiedCall): Promise<TakenCall> {
    const deliveryId = call.deliveryId ?? newId()
    const wanted = requests(get(call.hook), call, deliveryId)
    const { bodyHash, isReplayable, hook } = call
    const inbound = { accountId: caller.accountId, hook, deliveryId, bodyHash, isReplayable }
    return tasks.submitWithin(caller, wanted, (submit) =>
      transact(async (tx) => {
        const before = await remember(tx, caller, inbound, call.event)
        if (before !== undefined) return { deliveryId, isRepeated: true, taskIds: before }
        const taskIds = await submit(tx)
        await noteTasks(tx, inbound, taskIds)
        return { deliveryId, isRepeated: false, taskIds }
      }),
    )
  }

  /** Writes down that a call has come; returns the tasks that it became when it had come before. */
  async function remember(
    tx: Transaction,
    caller: Caller,
    inbound: InboundCall,
    event: string,
  ): Promise<readonly string[] | undefined> {
    const { accountId, hook, deliveryId, bodyHash } = inbound
    if (await insertCall(tx, inbound)) {
      const data = { hook, event, deliveryId }
      tx.journal({
        ...caller.by(),
        accountId,
        type: 'hook.received' satisfies HookEventType,
        subject: `hook:${hook}`,
        data,
      })
      return undefined
    }
    const known = await findCall(tx, inbound)
    if (known === undefined) throw new HookCallReplayed()
    if (!known.bodyHash.equals(bodyHash)) throw new DeliveryIdReused(deliveryId)
    if (known.taskIds !== null) return known.taskIds
    tx.quiet('what a call has become that an older version remembered without its tasks')
    return undefined
  }

  function requests(hook: Hook, call: VerifiedCall, deliveryId: string): Submission[] {
    return hook.rules.flatMap((rule, index) => {
      try {
        if (!isAbout(rule, call)) return []
        return [{ ...taskOf(rule, call), idempotencyKey: `hook:${compositeKey(hook.id, deliveryId, index)}` }]
      } catch (error) {
        log.warn({ err: error, hook: hook.id, rule: index, event: call.event }, 'a rule of a hook failed')
        throw new InvalidInput(`Rule ${index} of the hook can't be applied to this call: ${errorMessage(error)}`)
      }
    })
  }

  return {
    /** Whether there is a hook with this id. */
    has: (id: string) => byId.has(id),
    expect,
    admit,
    take,
    /** Records that a call was refused; a call of an unknown hook is not recorded. */
    noteRefused(id: string, refused: RefusedCall): void {
      const hook = byId.get(id)
      if (hook !== undefined) refusedCalls.add(hook, refused)
    },
    /** Journals the refused calls that were noted. */
    reportRefused: () => refusedCalls.report(),
    /** Journals also those of the current minute, before the process ends. */
    stop: () => refusedCalls.report({ everything: true }),
    /** Forgets what came long ago. */
    async prune(): Promise<void> {
      while ((await deleteOldCalls(sql, knownDays, forgottenAtOnce)) === forgottenAtOnce);
    },
  }
}

/** The identity of a hook’s calls: it may submit the tasks of the hook’s rules, and nothing else. */
function identityOf(hook: Hook, accountId: string): Identity {
  const id = `hook:${hook.id}`
  return {
    accountId,
    actor: { kind: 'system', id, name: `hook ${hook.id}` },
    principalId: id,
    role: 'APPLICATION',
    grants: hook.rules.map(({ type }) => ({ scope: 'tasks:write', pattern: type })),
    credential: { kind: 'hook', id },
    expiresAt: undefined,
  }
}
