import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { eventCatalog } from '#src/app/event-catalog.ts'
import type { TestServer } from './server.ts'

/** Fails on members that a schema does not name, at any depth, save where it takes anything. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict)
  if (typeof schema !== 'object' || schema === null) return schema
  const own = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, strict(value)]))
  return 'properties' in own ? { ...own, additionalProperties: false } : own
}

/** What is wrong with the data of the events in the journal, by the shapes that their types declare; and which types there are. */
export async function eventDataFaults(server: TestServer): Promise<{ faults: string[]; types: Set<string> }> {
  const ajv = new Ajv2020({ strict: false })
  formats.default(ajv)
  const checks = new Map(
    eventCatalog.describe().map(({ name, dataSchema }) => [name, ajv.compile(strict(dataSchema) as object)]),
  )
  const rows = await server.database.query<{ type: string; data: unknown }>('SELECT type, data FROM journal')
  const faults = rows.flatMap(({ type, data }) => {
    const check = checks.get(type)
    if (check === undefined || check(data)) return []
    return [`${type} ${JSON.stringify(data)}: ${ajv.errorsText(check.errors)}`]
  })
  return { faults: [...new Set(faults)], types: new Set(rows.map(({ type }) => type)) }
}
