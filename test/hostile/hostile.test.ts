import { expect, it } from 'vitest'
import { createTestDatabase } from '#test/support/server.ts'
import { runHostile } from './run.ts'

/** Some values for each place of the API, the same each time; `npm run test:hostile` sends them all. */
it('whatever is sent, it is answered, by no failure of the server, and makes nobody wait', async () => {
  const database = await createTestDatabase()
  const lines: string[] = []
  const problems = await runHostile({ database, seed: 1, perPlace: 1, report: (line) => lines.push(line) })
  expect(problems, lines.join('\n')).toEqual([])
  await database.drop()
}, 300_000)
