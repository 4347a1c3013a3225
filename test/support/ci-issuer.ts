import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

/** An OIDC issuer of CI jobs on loopback. */
export interface CiIssuer {
  readonly url: string
  /** Paths that were asked for. */
  readonly asked: string[]
  /** While set, every request is answered with this status. */
  failure: number | undefined
  /** A job's token, for the audience of the tests unless the claims say otherwise. */
  sign(claims: JWTPayload): Promise<string>
  /** The same, signed with a key that the issuer doesn't publish. */
  forge(claims: JWTPayload): Promise<string>
  /** Signs with a new key from now on, which is published beside the old one. */
  rotate(): Promise<void>
  close(): Promise<void>
}

const ciAudience = 'https://signalbox.test'

export async function startCiIssuer(): Promise<CiIssuer> {
  const published: JWK[] = []
  let current = await newKey()
  published.push(current.jwk)
  const asked: string[] = []
  const http = createServer((req, res) => {
    asked.push(req.url ?? '')
    if (issuer.failure !== undefined) return res.writeHead(issuer.failure).end()
    const body = req.url === '/keys' ? { keys: published } : { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` }
    return res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const signed = ({ kid, privateKey }: Key, claims: JWTPayload) => {
    const now = Math.floor(Date.now() / 1000)
    const usual = { iss: url, aud: ciAudience, sub: 'repo:acme/shop', iat: now, exp: now + 300 }
    return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg: 'RS256', kid }).sign(privateKey)
  }
  const issuer: CiIssuer = {
    url,
    asked,
    failure: undefined,
    sign: (claims) => signed(current, claims),
    forge: async (claims) => signed({ ...(await newKey()), kid: current.kid }, claims),
    async rotate() {
      current = await newKey()
      published.push(current.jwk)
    },
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
  return issuer
}

interface Key {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

async function newKey(): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const kid = crypto.randomUUID()
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), use: 'sig', alg: 'RS256', kid } }
}
