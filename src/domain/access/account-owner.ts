import { invalidInput } from '#lib/errors.ts'
import { newId } from '#lib/ids.ts'
import type { Transaction } from '#platform/database/transaction.ts'
import type { By } from '#platform/journal/entry.ts'
import { personEvent } from './events.ts'
import { normalEmail } from './people/user.ts'
import { insertUser } from './people/user-store.ts'
import { hashPassword, newPassword } from './sign-in/password.ts'

/** The person who owns a new account, with a generated password that is shown once. */
export interface FirstOwner {
  readonly id: string
  readonly email: string
  readonly password: string
}

/** A first owner who is not stored yet. */
export interface PreparedOwner extends FirstOwner {
  readonly passwordHash: string
}

/** Generates the password of a first owner. Takes some 40 ms, so it is done before a transaction. @throws {InvalidInput} */
export async function prepareOwner(ownerEmail: string): Promise<PreparedOwner> {
  const email = normalEmail(ownerEmail)
  if (email === undefined) {
    const message = 'must be an e-mail address'
    throw invalidInput('The account', [{ path: 'ownerEmail', message }])
  }
  const password = newPassword()
  return { id: newId(), email, password, passwordHash: await hashPassword(password) }
}

/** Adds the first owner to a new account. */
export async function addOwner(
  tx: Transaction,
  accountId: string,
  { id, email, passwordHash }: PreparedOwner,
  by: By,
): Promise<void> {
  const user = { accountId, id, email, firstName: '', lastName: '', role: 'OWNER' } as const
  await insertUser(tx, user, passwordHash)
  const facts = { email, role: user.role }
  tx.journal(personEvent('auth.user_created', user, by, facts))
  tx.journal(personEvent('auth.user_password_set', user, by, facts))
}
