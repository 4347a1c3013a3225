import { minSecretLength } from '#lib/secret-rule.ts'

const mask = '***'
/** Of a value with several lines, shorter ones are left alone: `}` alone is not secret. */
const minLineLength = 8
/** Lines of PEM that say what follows. */
const label = /^-----(?:BEGIN|END) /

/** Replaces secrets in texts by `***`: their values, each of their lines, and both as JSON, URLs and base64 contain them. */
export class SecretMask {
  /** The longest first, so that none is hidden by a part of itself. */
  readonly #forms: readonly string[]

  private constructor(values: readonly string[]) {
    this.#forms = [...new Set(values.flatMap(formsOf))].sort((a, b) => b.length - a.length)
  }

  /** Undefined where there is nothing to mask. */
  static of(values: readonly string[]): SecretMask | undefined {
    return values.length === 0 ? undefined : new SecretMask(values)
  }

  /** `isCut`: something is missing behind the text, so that it may end within a secret. */
  text(text: string, isCut = false): string {
    let masked = text
    for (const form of this.#forms) if (masked.includes(form)) masked = masked.replaceAll(form, mask)
    return isCut ? this.#withoutBeginning(masked) : masked
  }

  /** The same in all texts of a JSON value, keys included. */
  json(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (Array.isArray(value)) return value.map((item) => this.json(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [this.text(key), this.json(inner)]))
  }

  #withoutBeginning(text: string): string {
    for (const form of this.#forms) {
      const head = form.slice(0, minSecretLength)
      let at = text.indexOf(head, Math.max(0, text.length - form.length))
      for (; at !== -1; at = text.indexOf(head, at + 1))
        if (form.startsWith(text.slice(at))) return `${text.slice(0, at)}${mask}`
    }
    return text
  }
}

function formsOf(value: string): string[] {
  const whole = value.trim()
  const lines = whole.split(/\r?\n/).map((line) => line.trim())
  const kept = lines.filter((line) => line.length >= minLineLength && !label.test(line))
  const texts = [value, whole, ...(lines.length > 1 ? kept : [])]
  return texts.flatMap((text) => [
    text,
    JSON.stringify(text).slice(1, -1),
    encodeURIComponent(text),
    ...base64Forms(text),
  ])
}

/** How base64 of any text that contains this one shows it: that depends on where in a group of three bytes it begins. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text)
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    // Characters that hold bits of neighbours are left out: each stands for six bits.
    const own = encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
    if (own.length < minSecretLength) return []
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
}
