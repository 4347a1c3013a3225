import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { salesforceTypeNames } from '#domain/salesforce/tasks/task-types.ts'
import { createEventWarnings } from '#domain/webhooks/event-warnings.ts'
import { ownFamilies } from '#platform/journal/own-families.ts'
import { eventCatalog } from '#src/app/event-catalog.ts'

const source = join(import.meta.dirname, '../../../src')
/** A type of an event; what ends in `_id` is a column of a table of that name. */
const literal = new RegExp(`'((?:${ownFamilies.join('|')})\\.[a-z_]+(?<!_id))'`, 'g')

it('every type that the source writes is in the list, so that none is called unknown', async () => {
  const files = (await readdir(join(source, 'domain'), { recursive: true })).filter((name) => name.endsWith('.ts'))
  const texts = await Promise.all(files.map((name) => readFile(join(source, 'domain', name), 'utf8')))
  const written = new Set(texts.flatMap((text) => [...text.matchAll(literal)].map(([, type]) => type)))
  expect(written.size).toBeGreaterThan(50)
  const known = new Set<string>([...eventCatalog.names, ...salesforceTypeNames])
  expect([...written].filter((type) => !known.has(type ?? ''))).toEqual([])
})

it('families and types of the server’s own are not warned of', () => {
  const patterns = ['*', ...eventCatalog.names, 'task.*', 'webhook.*', 'deployment.started', 'release.*']
  expect(createEventWarnings(eventCatalog.names)(patterns)).toEqual([])
})
