import { SignJWT } from 'jose'
import { newId } from '#lib/ids.ts'
import { type Credential, readPrivateKey } from './credential.ts'

const assertionSeconds = 180

/** The form that requests an access token with a credential; `audience` is for assertions. */
export async function grantOf(credential: Credential, audience: string): Promise<Record<string, string>> {
  const { clientId } = credential
  switch (credential.method) {
    case 'JWT_BEARER':
      return {
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: await assertionOf(credential, audience),
      }
    case 'CLIENT_CREDENTIALS':
      return { grant_type: 'client_credentials', client_id: clientId, client_secret: credential.clientSecret }
    default:
      return {
        grant_type: 'refresh_token',
        client_id: clientId,
        ...(credential.clientSecret !== undefined && { client_secret: credential.clientSecret }),
        refresh_token: credential.refreshToken,
      }
  }
}

function assertionOf(
  { clientId, username, privateKey }: Extract<Credential, { method: 'JWT_BEARER' }>,
  audience: string,
): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(clientId)
    .setSubject(username)
    .setAudience(audience)
    .setJti(newId())
    .setExpirationTime(`${assertionSeconds} s`)
    .sign(readPrivateKey(privateKey, 'privateKey'))
}
