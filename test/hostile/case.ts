/** One request with something hostile in it. */
export interface Case {
  /** Where the hostile value stands, and what it is; enough to find and repeat it. */
  readonly name: string
  readonly method: string
  /** As it goes over the wire. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly caller: CallerName
}

/** All rights; a few narrow ones; none at all. */
export type CallerName = 'all' | 'narrow' | 'anonymous'

/** Stands where a hostile value goes that a JavaScript value can't say. */
export const placeholder = '\ue000hostile\ue000'

/** The value with something else at a path, whose steps are created where they are missing. */
export function withValue(value: unknown, path: readonly string[], inner: unknown): unknown {
  const [step, ...rest] = path
  if (step === undefined) return inner
  if (step === '0') {
    const [first, ...others] = Array.isArray(value) ? value : []
    return [withValue(first, rest, inner), ...others]
  }
  const fields = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
  return { ...fields, [step]: withValue((fields as Record<string, unknown>)[step], rest, inner) }
}

/** JSON with a hostile text in the place of the {@link placeholder}. */
export function withHostile(value: unknown, hostile: string): string {
  // As a function: a `$` in the hostile text stands for itself.
  return JSON.stringify(value).replace(JSON.stringify(placeholder), () => hostile)
}

export function shown(hostile: string | Buffer): string {
  const text = typeof hostile === 'string' ? hostile : hostile.toString('hex')
  return text.length > 80 ? `${text.slice(0, 60)}… (${text.length})` : text
}
