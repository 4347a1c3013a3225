export interface Sql {
  /** Runs one statement, kept prepared on each connection: the text is a constant, values are parameters. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Runs statements that were put together for the occasion, such as DDL. Never with a value from outside in them. */
  script(text: string): Promise<void>
}

const names = new Map<string, string>()

/** The name under which each connection keeps a statement prepared; texts are constants of ours, so there are few. */
export function statementName(text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  const name = `sbx${names.size}`
  names.set(text, name)
  return name
}
