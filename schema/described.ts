/** The values of an enum, each with what it means to clients. */
export function described<Value extends string>(
  descriptions: Readonly<Record<Value, string>>,
): { readonly [Name in Value]: { readonly description: string } } {
  const entries = Object.entries<string>(descriptions).map(([name, description]) => [name, { description }])
  return Object.fromEntries(entries) as { readonly [Name in Value]: { readonly description: string } }
}
