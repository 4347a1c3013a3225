import type { Sql } from '#platform/database/sql.ts'
import { warnedDays } from './token.ts'

/** Credentials in use that expire soon. */
export interface ExpiryOutlook {
  /** Accounts that nobody can administer any more, or soon will. */
  readonly accounts: readonly {
    readonly name: string
    /** When the last token with access:admin expires; null without one, and without an owner who can sign in. */
    readonly until: Date | null
  }[]
  /** Tokens in use that expire soon: the first ones, and how many there are. */
  readonly tokens: readonly { readonly name: string; readonly expiresAt: Date; readonly total: number }[]
}

const shownAccounts = 20
const shownTokens = 5

const accountsSql = `
  SELECT name, until FROM (
    SELECT account.name, account.created_at,
      EXISTS (SELECT FROM users WHERE users.account_id = account.id AND role = 'OWNER' AND removed_at IS NULL
                AND (password_hash IS NOT NULL OR $1)) AS has_owner,
      (SELECT max(expires_at) FROM application_token AS token
        WHERE token.account_id = account.id AND owner_id IS NULL AND revoked_at IS NULL AND expires_at > now()
          AND (role = 'OWNER' OR scopes && ARRAY['*', 'access:admin'])) AS until
    FROM account) AS account
  WHERE NOT has_owner AND (until IS NULL OR until < now() + ${warnedDays} * interval '1 day')
  ORDER BY created_at LIMIT ${shownAccounts}`

const tokensSql = `
  SELECT name, expires_at AS "expiresAt", count(*) OVER ()::int AS total FROM application_token
  WHERE revoked_at IS NULL AND successor_id IS NULL AND last_used_at > now() - interval '30 days'
    AND expires_at > now() AND expires_at < now() + ${warnedDays} * interval '1 day'
    AND expires_at - created_at > ${warnedDays} * interval '1 day'
  ORDER BY expires_at LIMIT ${shownTokens}`

/** What expires within two weeks; `hasProvider`: owners can sign in without a password. */
export async function readExpiryOutlook(sql: Pick<Sql, 'query'>, hasProvider: boolean): Promise<ExpiryOutlook> {
  return { accounts: await sql.query(accountsSql, [hasProvider]), tokens: await sql.query(tokensSql) }
}

/** The same as sentences for the operator. */
export function expiryWarnings({ accounts, tokens }: ExpiryOutlook): string[] {
  const [first] = tokens
  const names = tokens.map(({ name, expiresAt }) => `${name} (${day(expiresAt)})`).join(', ')
  return [
    ...accounts.map(({ name, until }) =>
      until === null
        ? `Nobody can administer the account ${name}: no owner can sign in, and no token with access:admin is valid.`
        : `From ${day(until)} on nobody can administer the account ${name}: rotate its last token with access:admin, or give an owner a password.`,
    ),
    ...(first === undefined
      ? []
      : [`Application tokens in use that end within ${warnedDays} days, ${first.total}: ${names}. Rotate them.`]),
  ]
}

function day(moment: Date): string {
  return moment.toISOString().slice(0, 10)
}
