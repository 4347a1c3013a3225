function required(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`${name} is not set.`)
  return value
}

/** The server that the programs talk to. */
export const url = required('SIGNALBOX_URL')
export const graphqlUrl = `${url}/graphql`
export const socketUrl = graphqlUrl.replace(/^http/, 'ws')
export const token = required('SIGNALBOX_TOKEN')
export const headers = { authorization: `Bearer ${token}` }

/** What every program finds out about the server; its test compares it with what is true. */
export interface Report {
  /** The result of the task that it submitted and watched. */
  readonly result: unknown
  /** The last status that the watcher received. */
  readonly status: string | undefined
  /** The ids on each page of a list. */
  readonly pages: readonly (readonly string[])[]
  /** A document as it was read after it had been written. */
  readonly document: { readonly version: number; readonly data: unknown } | undefined
  /** The code of a refusal that is a part of the answer. */
  readonly refusal: string | undefined
  /** The code of an error that stands in place of the answer. */
  readonly error: unknown
}

export function tell(report: Report & { readonly [more: string]: unknown }): void {
  process.stdout.write(JSON.stringify(report))
}
