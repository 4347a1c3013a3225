import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { Unauthenticated } from '#domain/access/errors.ts'
import type { Clock } from '#lib/clock.ts'
import { newId } from '#lib/ids.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { SecretBox } from '#platform/secrets/secret-box.ts'
import {
  deleteSigningKeysBefore,
  findSigningKeys,
  insertSigningKey,
  lockSigningKeys,
  type SigningKeyRow,
} from './signing-key-store.ts'

const algorithm = 'EdDSA'
const audience = 'signalbox'
const dayMs = 24 * 60 * 60 * 1000
/** How long a key signs, in milliseconds. */
const signsMs = 30 * dayMs
/** How long it is still known afterwards: longer than any token that it has signed. */
const overlapMs = dayMs
/** Minimum time between two reloads of the keys because of an unknown key id. */
const rereadMs = 1_000
const clockToleranceS = 5
/** How long an access token works, in seconds. */
const accessTokenS = 3_600

interface Loaded {
  readonly row: SigningKeyRow
  readonly publicKey: CryptoKey
}

export interface SigningKeysDeps {
  readonly sql: Sql
  readonly transact: Transact
  readonly secrets: SecretBox
  readonly clock: Clock
  /** Who issues the tokens: where this server is reached. */
  readonly issuer: string
}

/** What an access token says. */
export interface AccessClaims {
  readonly userId: string
  readonly sessionId: string
}

/** Signs access tokens (JWT, RFC 7519; Ed25519, RFC 8037) and checks them; the keys are the same for all processes. */
export class SigningKeys {
  readonly #deps: SigningKeysDeps
  #keys: readonly Loaded[] = []
  #signer: { readonly id: string; readonly key: CryptoKey } | undefined
  #readAt = Number.NEGATIVE_INFINITY

  constructor(deps: SigningKeysDeps) {
    this.#deps = deps
  }

  /** Makes a key where there is none, or the newest has signed long enough, and forgets those whose time is over. */
  async rotate(): Promise<void> {
    const { transact, secrets, clock } = this.#deps
    await transact.quiet('keys that sign access tokens')(async (tx) => {
      await lockSigningKeys(tx)
      const now = clock.now().getTime()
      const [newest] = await findSigningKeys(tx)
      await deleteSigningKeysBefore(tx, new Date(now - signsMs - overlapMs))
      if (newest !== undefined && now - newest.createdAt.getTime() < signsMs) return
      const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
      const sealed = await secrets.seal(JSON.stringify(await exportJWK(privateKey)))
      await insertSigningKey(tx, { id: newId(), publicKey: { ...(await exportJWK(publicKey)) }, privateKey: sealed })
    })
    await this.#read()
  }

  /** A new access token. */
  async sign({ userId, sessionId }: AccessClaims): Promise<{ token: string; expiresAt: Date }> {
    const { id, key } = await this.#newest()
    const issuedAt = Math.floor(this.#deps.clock.now().getTime() / 1000)
    const token = await new SignJWT({ sid: sessionId })
      .setProtectedHeader({ alg: algorithm, kid: id, typ: 'at+jwt' })
      .setIssuer(this.#deps.issuer)
      .setAudience(audience)
      .setSubject(userId)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + accessTokenS)
      .setJti(newId())
      .sign(key)
    return { token, expiresAt: new Date((issuedAt + accessTokenS) * 1000) }
  }

  /** What the token says. @throws {Unauthenticated} for what was not signed by us, for us, or works no longer. */
  async verify(token: string): Promise<AccessClaims & { expiresAt: Date }> {
    const { payload } = await jwtVerify(token, ({ kid = '' }) => this.#publicKey(kid), {
      algorithms: [algorithm],
      issuer: this.#deps.issuer,
      audience,
      typ: 'at+jwt',
      clockTolerance: clockToleranceS,
      maxTokenAge: accessTokenS,
      currentDate: this.#deps.clock.now(),
      requiredClaims: ['sub', 'sid', 'exp', 'iat'],
    }).catch((cause: unknown) => {
      throw isTokenFault(cause) ? new Unauthenticated(isExpired(cause) ? 'expired' : 'unknown') : cause
    })
    return claimsOf(payload)
  }

  /** The public keys, for services that check tokens themselves (RFC 7517 §5). */
  async jwks(): Promise<{ keys: JWK[] }> {
    if (this.#keys.length === 0) await this.#read()
    return { keys: this.#keys.map(({ row }) => ({ ...row.publicKey, kid: row.id, alg: algorithm, use: 'sig' }) as JWK) }
  }

  async #newest(): Promise<{ readonly id: string; readonly key: CryptoKey }> {
    if (this.#signer === undefined) await this.#read()
    if (this.#signer === undefined) throw new Error('There is no key to sign with.')
    return this.#signer
  }

  async #publicKey(id: string): Promise<CryptoKey> {
    const find = () => this.#keys.find(({ row }) => row.id === id)?.publicKey
    const known = find()
    if (known !== undefined) return known
    // Another process may have made it just now.
    if (performance.now() - this.#readAt > rereadMs) await this.#read()
    const key = find()
    if (key === undefined) throw new Unauthenticated('unknown')
    return key
  }

  async #read(): Promise<void> {
    this.#readAt = performance.now()
    const rows = await findSigningKeys(this.#deps.sql)
    this.#keys = await Promise.all(
      rows.map(async (row) => ({ row, publicKey: (await importJWK(row.publicKey as JWK, algorithm)) as CryptoKey })),
    )
    const [newest] = rows
    if (newest === undefined || newest.id === this.#signer?.id) return
    const jwk = JSON.parse(await this.#deps.secrets.open(newest.privateKey)) as JWK
    this.#signer = { id: newest.id, key: (await importJWK(jwk, algorithm)) as CryptoKey }
  }
}

function isTokenFault(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_J')
}

/** Whether a token of ours, whose signature was right, is too old. */
function isExpired(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED'
}

function claimsOf({ sub = '', sid, exp = 0 }: JWTPayload): AccessClaims & { expiresAt: Date } {
  return { userId: sub, sessionId: String(sid), expiresAt: new Date((exp + clockToleranceS) * 1000) }
}
