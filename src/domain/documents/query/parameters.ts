/** The values of a statement that is put together piece by piece; nothing from outside gets into its text. */
export class Parameters {
  readonly values: unknown[] = []
  readonly #known = new Map<string, string>()

  /** Adds a value, and returns what stands for it in the statement. */
  add(value: unknown, type: 'text' | 'text[]' | 'jsonb' | 'jsonb[]' | 'numeric' | 'numeric[]' | SimpleType): string {
    this.values.push(value)
    return `$${this.values.length}::${type}`
  }

  /** As {@link add} for a path, which a statement mentions again and again. */
  path(path: readonly string[]): string {
    const name = JSON.stringify(path)
    const known = this.#known.get(name) ?? this.add(path, 'text[]')
    this.#known.set(name, known)
    return known
  }
}

type SimpleType = 'boolean' | 'boolean[]' | 'integer' | 'timestamptz' | 'uuid'
