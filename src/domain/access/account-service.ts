import { z } from 'zod'
import type { Clock } from '#lib/clock.ts'
import { InvalidInput, invalidInput } from '#lib/errors.ts'
import { isId, newId } from '#lib/ids.ts'
import { isStorable, unstorable } from '#lib/json.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact, Transaction } from '#platform/database/transaction.ts'
import type { Actor, By } from '#platform/journal/entry.ts'
import type { Account } from './account.ts'
import { type AccountDeletion, deleteAccount, previewDeletion } from './account-deletion.ts'
import { AccountNameTaken, AccountStateConflict } from './account-errors.ts'
import { addOwner, type FirstOwner, prepareOwner } from './account-owner.ts'
import {
  findAccount,
  findAccountsCalled,
  findFirstAccount,
  insertAccount,
  listAccounts,
  lockAccounts,
  saveSuspension,
} from './account-store.ts'
import type { Caller } from './caller.ts'
import { accountEvent } from './events.ts'
import { issueInstallationToken, issueOwnerToken } from './owner-token.ts'
import { tokenLifetime } from './tokens/token.ts'

export interface AccountServiceDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly clock: Clock
  /** Begins the audit log of an account, in the transaction that creates it. */
  readonly beginAuditLog: (tx: Transaction, accountId: string) => Promise<void>
}

/** An account that was created just now; the secrets of its owner are shown this once. */
export interface CreatedAccount {
  readonly account: Account
  readonly ownerToken: string
  /** Where an e-mail address was given. */
  readonly owner: FirstOwner | undefined
}

export interface NewAccount {
  readonly name: string
  /** The first owner, who signs in with a generated password; undefined: the account begins with its token alone. */
  readonly ownerEmail?: string | undefined
}

/** An account to delete over the API. */
export interface DeletionRequest {
  readonly account: string
  /** The name of the account, given again. */
  readonly confirm: string | undefined
  readonly dryRun: boolean
}

/** For so long one request over the API deletes, in milliseconds. */
const deletionMs = 10_000

const maxReason = 500
const nameForm = z
  .string()
  .trim()
  .min(1, 'must not be empty')
  .max(100, 'must have at most 100 characters')
  .refine(isStorable, unstorable)
  .refine((name) => !/\p{Cc}/u.test(name), 'must not have control characters')
  .refine((name) => !isId(name), 'must not look like an id')

/** The actor of what the operator does, as the account's own log shows it: without anything of other accounts. */
const operatorActor: Actor = { kind: 'system', id: 'operator', name: 'operator' }

/**
 * The accounts of an installation, for its operator; callers check that they may. Each change is in the audit log of the
 * first account, and in that of the account itself.
 */
export function createAccountService({ sql, transact, clock, beginAuditLog }: AccountServiceDeps) {
  /**
   * Creates an account with its owner's token and, where an e-mail address is given, a person who owns it.
   * @throws {InvalidInput} @throws {AccountNameTaken}
   */
  async function create(by: By, { name: wanted, ownerEmail }: NewAccount): Promise<CreatedAccount> {
    const name = validName(wanted)
    const prepared = ownerEmail === undefined ? undefined : await prepareOwner(ownerEmail)
    return transact(async (tx) => {
      await lockAccounts(tx)
      if ((await findAccountsCalled(tx, name)).length > 0) throw new AccountNameTaken(name)
      const id = newId()
      await insertAccount(tx, id, name)
      await beginAuditLog(tx, id)
      await note(tx, 'auth.account_created', { id, name }, by)
      const operatorHere = { actor: operatorActor }
      if (prepared !== undefined) await addOwner(tx, id, prepared, operatorHere)
      const ownerToken = await issueOwnerToken(tx, { accountId: id, now: clock.now(), by: operatorHere })
      const owner = prepared && { id: prepared.id, email: prepared.email, password: prepared.password }
      return { account: await findAccount(tx, id), ownerToken, owner }
    })
  }

  /**
   * Suspends an account: nobody can use it and nothing of it starts until it is resumed; what runs may finish.
   * @throws {AccountNotFound} @throws {AccountAmbiguous} @throws {AccountStateConflict} @throws {InvalidInput}
   */
  async function suspend(by: By, called: string, reason: string | undefined): Promise<Account> {
    mustBeReason(reason)
    return change(called, async (tx, account) => {
      if (account.isFirst)
        throw new AccountStateConflict(
          `The account "${account.name}" is the installation's first one: it has the installation's log, and can't be suspended.`,
        )
      if (account.suspendedAt !== null) throw new AccountStateConflict(`The account "${account.name}" is suspended.`)
      await saveSuspension(tx, account.id, { at: clock.now(), reason })
      await note(tx, 'auth.account_suspended', { ...account, reason }, by)
    })
  }

  /** Lets an account be used again. @throws {AccountNotFound} @throws {AccountAmbiguous} @throws {AccountStateConflict} */
  async function resume(by: By, called: string): Promise<Account> {
    return change(called, async (tx, account) => {
      if (account.suspendedAt === null)
        throw new AccountStateConflict(`The account "${account.name}" is not suspended.`)
      if (account.deletionAt !== null) throw new AccountStateConflict(`The account "${account.name}" is being deleted.`)
      await saveSuspension(tx, account.id, undefined)
      await note(tx, 'auth.account_resumed', account, by)
    })
  }

  async function change(called: string, work: (tx: Transaction, account: Account) => Promise<void>): Promise<Account> {
    return transact(async (tx) => {
      await lockAccounts(tx)
      const account = await findAccount(tx, called)
      await work(tx, account)
      return findAccount(tx, account.id)
    })
  }

  /** Creates a token that manages accounts over the API, in the first account. @throws {InvalidInput} */
  async function issueToken(by: By, days: number): Promise<string> {
    if (!Number.isInteger(days) || days < 1 || days > tokenLifetime.max)
      throw invalidInput('The token', [{ path: 'expiresInDays', message: `must be 1 to ${tokenLifetime.max} days` }])
    return transact(async (tx) =>
      issueInstallationToken(tx, { accountId: await findFirstAccount(tx), now: clock.now(), by, days }),
    )
  }

  /**
   * Deletes a suspended account for some seconds: until it `isDone`, the call is repeated. With `dryRun` it only counts.
   * @throws {AccountNotFound} @throws {AccountAmbiguous} @throws {AccountStateConflict} @throws {InvalidInput}
   */
  async function remove(by: By, { account: called, confirm, dryRun }: DeletionRequest): Promise<AccountDeletion> {
    if (dryRun) return previewDeletion(sql, called)
    const { name } = await findAccount(sql, called)
    if (confirm !== name) {
      const message = `must be the name of the account, "${name}"`
      throw new InvalidInput('The deletion is not confirmed.', [{ path: 'confirm', message }])
    }
    return deleteAccount({ transact, clock }, by, called, deletionMs)
  }

  return {
    create,
    suspend,
    resume,
    remove,
    issueToken,
    /** At most `limit` accounts after the one with this id, oldest first. */
    list: (after: string | undefined, limit: number) => listAccounts(sql, after, limit),
  }
}

/** The same for callers over the API, who need the scope `installation:admin`. */
export function accountsForCallers(accounts: ReturnType<typeof createAccountService>) {
  function operator(caller: Caller): By {
    caller.must('installation:admin')
    return caller.by()
  }
  return {
    create: async (caller: Caller, account: NewAccount) => accounts.create(operator(caller), account),
    remove: async (caller: Caller, request: DeletionRequest) => accounts.remove(operator(caller), request),
    suspend: async (caller: Caller, account: string, reason: string | undefined) =>
      accounts.suspend(operator(caller), account, reason),
    resume: async (caller: Caller, account: string) => accounts.resume(operator(caller), account),
    async list(caller: Caller, after: string | undefined, limit: number) {
      caller.must('installation:admin')
      return accounts.list(after, limit)
    },
  }
}

type AccountChange = Parameters<typeof accountEvent>[0]

/** Notes a change in the account's own log, without what is not theirs, and in that of the installation. */
async function note(
  tx: Transaction,
  type: AccountChange,
  { id, name, reason }: { readonly id: string; readonly name: string; readonly reason?: string | undefined },
  by: By,
): Promise<void> {
  const data = { name, ...(reason !== undefined && { reason }) }
  tx.journal(accountEvent(type, { id, logAccountId: id }, { actor: operatorActor }, data))
  tx.journal(accountEvent(type, { id, logAccountId: await findFirstAccount(tx) }, by, data))
}

function validName(name: string): string {
  const parsed = nameForm.safeParse(name)
  if (parsed.success) return parsed.data
  const message = parsed.error.issues.map((issue) => issue.message).join('; ')
  throw invalidInput('The account', [{ path: 'name', message }])
}

function mustBeReason(reason: string | undefined): void {
  const message = isStorable(reason ?? '') ? `must have at most ${maxReason} characters` : unstorable
  if (reason !== undefined && (reason.length > maxReason || !isStorable(reason)))
    throw invalidInput('The suspension', [{ path: 'reason', message }])
}
