import { randomUUID } from 'node:crypto'
import { SecretBox } from '#platform/secrets/secret-box.ts'
import { secretKey, type TestServer } from '#test/support/server.ts'

const secrets = new SecretBox(Buffer.from(secretKey, 'base64'))

/** Stores an org that was registered once, at a host that is nobody's; returns its id. */
export async function storeOrg(
  { database }: Pick<TestServer, 'database'>,
  { accountId, username }: { accountId: string; username: string },
): Promise<string> {
  const id = randomUUID()
  const credential = { method: 'CLIENT_CREDENTIALS', clientId: 'client', clientSecret: 'secret of an app' }
  await database.query(
    `INSERT INTO salesforce_org (account_id, id, username, org_id, name, instance_url, instance_name, login_url, kind,
       edition, is_dev_hub, newest_api_version, metadata, method, credential, access_token, refresh_due_at, created_by)
     VALUES ($1, $2, $3, '00D000000000001EAA', 'Nowhere', 'https://nowhere.invalid', 'NA1', 'https://nowhere.invalid',
       'PRODUCTION', 'Enterprise Edition', false, '66.0', '{"secret": 42}', 'CLIENT_CREDENTIALS', $4, $5,
       now() + interval '1 year', '{"kind": "system", "id": "test", "name": "test"}')`,
    [accountId, id, username, await secrets.seal(JSON.stringify(credential)), await secrets.seal('access token')],
  )
  return id
}
