/** SQLSTATE classes of what is wrong with a value rather than with the moment: data, an integrity constraint, a limit. */
const dataClasses = /^(22|23|54)/

/** Whether the database refused a value for what it is, so that trying the same again can't help. */
export function isRefusedData(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && dataClasses.test(code)
}
