import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto'

export interface Seal {
  readonly seal: Uint8Array
  /** Names the key, without telling it. */
  readonly keyId: string
}

/**
 * Seals texts so that who doesn't have the installation's key can't make another one that fits: HMAC-SHA-256, by keys that
 * are derived from the secret ones for this purpose alone (RFC 5869). It seals with the first, and knows them all.
 */
export class Seals {
  readonly #keys: ReadonlyMap<string, Uint8Array>
  readonly #current: string

  constructor(purpose: string, current: Uint8Array, previous: readonly Uint8Array[] = []) {
    const derived = [current, ...previous].map((key) => Buffer.from(hkdfSync('sha256', key, '', purpose, 32)))
    this.#keys = new Map(derived.map((key) => [idOf(key), key]))
    this.#current = idOf(derived[0] as Buffer)
  }

  /** The id of the key that is sealed with. */
  get keyId(): string {
    return this.#current
  }

  seal(text: string): Seal {
    return { seal: this.#sealWith(this.#current, text) as Buffer, keyId: this.#current }
  }

  /** Whether the seal was created here for this text; undefined when its key is not one of ours. */
  isGenuine(text: string, { seal, keyId }: Seal): boolean | undefined {
    const right = this.#sealWith(keyId, text)
    return right && right.length === seal.length && timingSafeEqual(right, seal)
  }

  #sealWith(keyId: string, text: string): Buffer | undefined {
    const key = this.#keys.get(keyId)
    return key && createHmac('sha256', key).update(text).digest()
  }
}

function idOf(key: Uint8Array): string {
  return hash('sha256', key).slice(0, 16)
}
