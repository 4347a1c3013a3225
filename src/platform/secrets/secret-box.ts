import { hash } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'
import { StartupError } from '#lib/errors.ts'

const algorithms = { alg: 'dir', enc: 'A256GCM' } as const

/** What was sealed can't be opened with any key that this process has. */
class SecretKeyMissing extends StartupError {
  constructor(keyId: string) {
    super(
      `Stored secrets were encrypted with the key ${keyId}, which is not here: set SECRET_KEY to it, or SECRET_KEY_PREVIOUS while keys are being changed. A server without SECRET_KEY keeps its key in the file secret-key of DATA_DIR.`,
    )
  }
}

/**
 * Encrypts what must not be stored in the clear: compact JWE (RFC 7516) with AES-256-GCM, the key's id in the header. It
 * seals with the first key, and opens what any of them has sealed.
 */
export class SecretBox {
  readonly #keys: ReadonlyMap<string, Uint8Array>
  readonly #current: string

  constructor(current: Uint8Array, previous: readonly Uint8Array[] = []) {
    this.#current = keyId(current)
    this.#keys = new Map([current, ...previous].map((key) => [keyId(key), key]))
  }

  /** The id of the key that is sealed with. */
  get keyId(): string {
    return this.#current
  }

  async seal(text: string): Promise<string> {
    return new CompactEncrypt(Buffer.from(text))
      .setProtectedHeader({ ...algorithms, kid: this.#current })
      .encrypt(this.#key(this.#current))
  }

  /** @throws {SecretKeyMissing} */
  async open(sealed: string): Promise<string> {
    const { kid = '' } = decodeProtectedHeader(sealed)
    const { plaintext } = await compactDecrypt(sealed, this.#key(kid), {
      keyManagementAlgorithms: [algorithms.alg],
      contentEncryptionAlgorithms: [algorithms.enc],
    })
    return Buffer.from(plaintext).toString('utf8')
  }

  /** Whether it was sealed with the present key. */
  isCurrent(sealed: string): boolean {
    return decodeProtectedHeader(sealed).kid === this.#current
  }

  /** What everything begins with that is sealed with the present key: the header names it. */
  async beginning(): Promise<string> {
    return `${(await this.seal('')).split('.', 1)[0]}.`
  }

  #key(id: string): Uint8Array {
    const key = this.#keys.get(id)
    if (key === undefined) throw new SecretKeyMissing(id)
    return key
  }
}

/** Names a key without telling it. */
function keyId(key: Uint8Array): string {
  return hash('sha256', key).slice(0, 16)
}
