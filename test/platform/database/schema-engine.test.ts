import { expect, it } from 'vitest'
import { diffSchemas } from '#platform/database/schema-engine.ts'

const schema = (fields: string) =>
  `datasource db {\n provider = "postgresql"\n}\nmodel Thing {\n id Int @id\n${fields}\n}\n`

it('writes the statements from nothing to a schema', async () => {
  expect(await diffSchemas(undefined, schema(''))).toContain('CREATE TABLE "Thing"')
})

it('writes the statements from one schema to the next', async () => {
  const script = await diffSchemas(schema(''), schema('name String?'))
  expect(script).toContain('ALTER TABLE "Thing" ADD COLUMN     "name" TEXT;')
  expect(script).not.toContain('CREATE TABLE')
})
