/** A condition for SQL: whether the account with this id (an expression) is suspended, as one probe of its key. */
export function isSuspended(accountId: string): string {
  return `EXISTS (SELECT FROM account WHERE account.id = ${accountId} AND account.suspended_at IS NOT NULL)`
}
