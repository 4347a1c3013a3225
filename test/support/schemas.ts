/** Tries both of two equal ways at each level: 2 to the power of the levels. */
export function doublingSchema(levels: number): object {
  const both = (level: number) => ({ anyOf: [{ $ref: `#/$defs/l${level}` }, { $ref: `#/$defs/l${level}` }] })
  const inner = Array.from({ length: levels }, (_, level) => [`l${level}`, both(level + 1)] as const)
  return { ...both(0), $defs: { ...Object.fromEntries(inner), [`l${levels}`]: { type: 'null' } } }
}
