import { sealedChains } from '#domain/audit/sealed-chains.ts'
import { columnTarget, type EncryptedColumn, type RotationTarget } from '#platform/secrets/rotation-target.ts'
import { Seals } from '#platform/secrets/seals.ts'
import { SecretBox } from '#platform/secrets/secret-box.ts'

/** Every column that {@link SecretBox} encrypts; a new one needs its line here. */
const encryptedColumns: readonly EncryptedColumn[] = [
  { name: 'keys that sign access tokens', table: 'signing_key', id: 'id', column: 'private_key' },
  { name: 'keys that sign deliveries to webhooks', table: 'webhook', id: 'id', column: 'keys' },
  { name: 'secret headers of webhooks', table: 'webhook', id: 'id', column: 'secret_headers' },
  { name: 'credentials of Salesforce orgs', table: 'salesforce_org', id: 'id', column: 'credential' },
  { name: 'access tokens of Salesforce orgs', table: 'salesforce_org', id: 'id', column: 'access_token' },
  { name: 'secrets of tasks', table: 'secret', id: 'id', column: 'value' },
  { name: 'logins at Salesforce', table: 'salesforce_login', id: 'id', column: 'request' },
]

/** The purpose that the audit log's keys are derived for. */
export const auditSealPurpose = 'signalbox audit'

/** Everything that has to be re-encrypted when the secret key changes. */
export function rotationTargets(current: Uint8Array, previous: readonly Uint8Array[]): readonly RotationTarget[] {
  const box = new SecretBox(current, previous)
  const seals = new Seals(auditSealPurpose, current, previous)
  return [...encryptedColumns.map((column) => columnTarget(column, box)), sealedChains(seals)]
}
