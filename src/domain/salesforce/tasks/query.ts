import type { ServerTaskContext } from '#domain/tasks/task-type.ts'
import { type AttemptOrg, readCertificates, withOrg } from './attempt-org.ts'
import { bulkQuery } from './bulk-query.ts'
import type { QueryInput } from './query-input.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

export const prepare = readCertificates

interface QueryPage {
  readonly totalSize: number
  readonly done: boolean
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

/** Runs a query, and returns its records or the names of the parts that hold them. */
export function query(options: SalesforceTypeOptions, context: ServerTaskContext<QueryInput>): Promise<unknown> {
  return withOrg(options, context, (org) =>
    context.input.bulk === 'always' ? bulkQuery(context, org) : smallQuery(context, org),
  )
}

async function smallQuery(context: ServerTaskContext<QueryInput>, org: AttemptOrg): Promise<unknown> {
  const { soql, includeDeleted, bulk } = context.input
  context.step(`query in ${org.username}`)
  const path = `/${includeDeleted ? 'queryAll' : 'query'}?q=${encodeURIComponent(soql)}`
  const { totalSize, done, records } = await org.json<QueryPage>({ method: 'GET', path })
  if (!done && bulk === 'auto') return bulkQuery(context, org)
  return { username: org.username, totalSize, done, records: records.map(withoutAttributes) }
}

/** Salesforce adds to each record, nested ones too, where it is. */
function withoutAttributes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAttributes)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([name]) => name !== 'attributes')
  return Object.fromEntries(members.map(([name, inner]) => [name, withoutAttributes(inner)]))
}
