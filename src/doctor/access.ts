import type pg from 'pg'
import { expiryWarnings, readExpiryOutlook } from '#domain/access/tokens/expiry-outlook.ts'
import { lookForSecretKey } from '#platform/secrets/secret-key.ts'
import type { Config } from '#src/config.ts'
import { rotationTargets } from '#src/encrypted-columns.ts'
import { type Finding, ok, problem, warning } from './finding.ts'
import { hasTable, sqlOf } from './sql.ts'

type Found = Promise<Omit<Finding, 'check'>>

/** Whether all stored secrets are encrypted with the present key. */
export async function examineSecrets(client: pg.Client, config: Config): Found {
  if (!(await hasTable(client, 'audit_chain'))) return ok('There are none yet.')
  const key = await lookForSecretKey(config.secretKey, config.dataDir)
  if (key === undefined) return ok('There is no key yet; the first start makes it.')
  const sql = sqlOf(client)
  const left: string[] = []
  for (const place of rotationTargets(key, config.previousSecretKeys)) {
    const count = await place.countOld(sql)
    if (count > 0) left.push(`${place.name}, ${count}`)
  }
  if (left.length === 0) return ok('All are encrypted with the present key.')
  return warning(
    `Still encrypted with an older key: ${left.join('; ')}.`,
    'Keep that key in SECRET_KEY_PREVIOUS, and run `secrets rotate`.',
  )
}

/** Whether somebody can still administer each account in two weeks, and which tokens in use end until then. */
export async function examineCredentials(client: pg.Client, config: Config): Found {
  if (!(await hasTable(client, 'device_sign_in'))) return ok('There are none yet.')
  const outlook = await readExpiryOutlook(sqlOf(client), config.oidc !== undefined)
  const warnings = expiryWarnings(outlook)
  if (warnings.length === 0) return ok('None that is relied on ends within two weeks.')
  const isLocked = outlook.accounts.some(({ until }) => until === null)
  return isLocked ? problem(warnings.join(' ')) : warning(warnings.join(' '), 'See `token list` and `token rotate`.')
}
