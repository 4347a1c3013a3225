import { randomUUID } from 'node:crypto'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { secretKey, type TestServer } from '#test/support/server.ts'

const secrets = new SecretBox(Buffer.from(secretKey, 'base64'))

/** Stores an org whose authorization has ended, so that nothing is called for it; returns its id. */
export async function storeOrg(
  { database }: Pick<TestServer, 'database'>,
  { accountId, username }: { accountId: string; username: string },
): Promise<string> {
  const id = randomUUID()
  const credential = { method: 'AUTH_URL', clientId: 'client', refreshToken: 'token of nobody' }
  await database.query(
    `INSERT INTO salesforce_org (account_id, id, username, org_id, name, instance_url, instance_name, login_url, kind,
       edition, is_dev_hub, newest_api_version, metadata, method, credential, access_token, refresh_due_at, created_by,
       state, state_message)
     VALUES ($1, $2, $3, '00D000000000001EAA', 'Nowhere', 'https://nowhere.invalid', 'NA1', 'https://nowhere.invalid',
       'PRODUCTION', 'Enterprise Edition', false, '66.0', '{"secret": 42}', 'AUTH_URL', $4, $5,
       now() + interval '1 year', '{"kind": "system", "id": "test", "name": "test"}', 'NEEDS_REAUTHORIZATION', 'It was never real.')`,
    [accountId, id, username, await secrets.seal(JSON.stringify(credential)), await secrets.seal('access token')],
  )
  return id
}
