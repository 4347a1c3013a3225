import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { CheckProcess } from '#domain/documents/schemas/check-process.ts'
import { doublingSchema } from '#test/support/schemas.ts'

const run = promisify(execFile)
const checks = new CheckProcess()
afterEach(() => checks.close())

const outcomeOf = async (schema: object, data: unknown, limitMs: number) =>
  (await checks.ask({ schema: JSON.stringify(schema), data: JSON.stringify(data), limitMs })).outcome

describe('a process that checks documents', () => {
  it('that runs out of memory ends alone, and another takes its place', async () => {
    // Keeps a fault for each way that it has tried, by far more than the memory it may take.
    expect(await outcomeOf(doublingSchema(40), 1, 60_000)).toEqual({ kind: 'LATE' })
    expect(await outcomeOf({ type: 'number' }, 1, 1_000)).toEqual({ kind: 'VALID' })
    expect(await outcomeOf({ type: 'string' }, 1, 1_000)).toMatchObject({ kind: 'INVALID', path: '' })
  }, 120_000)

  it('answers what it was asked late when it is closed meanwhile', async () => {
    const asked = outcomeOf(doublingSchema(40), 1, 60_000)
    await checks.close()
    expect(await asked).toEqual({ kind: 'LATE' })
  })

  it('is waited for when it is closed, also by a process that has nothing else to do', async () => {
    const script = `
      import { CheckProcess } from '#domain/documents/schemas/check-process.ts'
      const checks = new CheckProcess()
      await checks.ask({ schema: '{}', data: '1', limitMs: 1000 })
      await checks.close()
      console.log('closed')`
    const options = { cwd: join(import.meta.dirname, '../../..'), env: {} }
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], options)
    expect(stdout).toBe('closed\n')
  })
})
