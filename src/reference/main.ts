import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fillRegions } from './markdown.ts'
import { environmentExample, referenceTables } from './tables.ts'

// Run by `npm run generate`: the tables of the documentation that are generated from code.
const docs = new URL('../docs/', import.meta.url)
const tables = await referenceTables()
for (const name of readdirSync(docs).filter((file) => file.endsWith('.md'))) {
  const file = new URL(name, docs)
  const page = readFileSync(file, 'utf8')
  const filled = fillRegions(page, tables)
  if (filled !== page) writeFileSync(file, filled)
}
writeFileSync(new URL('../../.env.example', import.meta.url), environmentExample())
