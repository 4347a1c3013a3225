export interface Sql {
  /** Runs one statement, kept prepared on each connection: the text is a constant, values are parameters. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** Runs statements that were put together for the occasion, such as DDL. Never with a value from outside in them. */
  script(text: string): Promise<void>
}

/** What is known of a statement by its text. */
export interface Statement {
  /** The name under which each connection keeps it prepared. */
  readonly name: string
  /** Whether it can change rows. */
  readonly writes: boolean
}

const statements = new Map<string, Statement>()

/** What is known of a statement; texts are constants of ours, so there are few, and each is examined once. */
export function statementOf(text: string): Statement {
  const known = statements.get(text)
  if (known !== undefined) return known
  const statement = { name: `sbx${statements.size}`, writes: canWrite(text) }
  statements.set(text, statement)
  return statement
}

// `FOR UPDATE` and `FOR NO KEY UPDATE` only lock; the `DO UPDATE` of an upsert comes with its `INSERT INTO`.
const writing = /\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|(?<!\b(?:FOR|KEY|DO)\s+)UPDATE)\s/i

/** Whether these statements can change rows, by their text alone; not those that make or drop tables. */
export function canWrite(text: string): boolean {
  return writing.test(text)
}
