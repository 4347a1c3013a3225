import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fillRegions } from '#src/reference/markdown.ts'
import { environmentExample, referenceTables } from '#src/reference/tables.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const hint = 'It is stale: run `npm run generate` and commit what it changes.'

describe('what is generated from code is up to date', () => {
  it('in every page of the documentation', async () => {
    const tables = await referenceTables()
    const regions = new Set<string>()
    for (const name of readdirSync(join(root, 'src/docs')).filter((file) => file.endsWith('.md'))) {
      const page = read(`src/docs/${name}`)
      for (const [, region = ''] of page.matchAll(/<!-- generated: ([a-z-]+) -->/g)) regions.add(region)
      expect(fillRegions(page, tables), `src/docs/${name}: ${hint}`).toBe(page)
    }
    expect([...regions].sort()).toEqual(Object.keys(tables).sort())
  })

  it('in .env.example', () => {
    expect(environmentExample(), `.env.example: ${hint}`).toBe(read('.env.example'))
  })
})

it('a region that nothing generates is an error', () => {
  expect(() => fillRegions('<!-- generated: nonsense -->\n<!-- end of generated -->', {})).toThrow('"nonsense"')
})
