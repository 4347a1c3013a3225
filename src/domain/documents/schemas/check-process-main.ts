import { LRUCache } from 'lru-cache'
import { TimeLimitExceeded, withComputingLimit } from '#lib/time-limit.ts'
import { type CheckAnswer, type CheckJob, type CheckOutcome, compileMs } from './check-job.ts'
import { compileSchema, UnusableSchema, type Validate } from './validation.ts'

/** Characters of schemas that are kept ready. */
const keptCharacters = 1024 * 1024
const ready = new LRUCache<string, Validate>({ maxSize: keptCharacters, sizeCalculation: (_, text) => text.length + 1 })

function validateOf(schema: string): Validate {
  const known = ready.get(schema)
  if (known !== undefined) return known
  const validate = withComputingLimit(compileMs, () => compileSchema(JSON.parse(schema)))
  ready.set(schema, validate)
  return validate
}

function answer({ id, schema, data, limitMs }: CheckJob): CheckAnswer {
  let before = process.threadCpuUsage()
  const done = (outcome: CheckOutcome): CheckAnswer => {
    const { user, system } = process.threadCpuUsage(before)
    return { id, outcome, ms: (user + system) / 1_000 }
  }
  try {
    const validate = validateOf(schema)
    if (data === undefined) return done({ kind: 'VALID' })
    const value: unknown = JSON.parse(data)
    before = process.threadCpuUsage()
    const fault = withComputingLimit(Math.max(1, Math.ceil(limitMs)), () => validate(value))
    return done(fault === undefined ? { kind: 'VALID' } : { kind: 'INVALID', ...fault })
  } catch (error) {
    if (error instanceof TimeLimitExceeded) return done({ kind: 'LATE' })
    if (error instanceof UnusableSchema) return done({ kind: 'UNUSABLE', message: error.message })
    throw error
  }
}

// What every schema needs is loaded and made ready before the first has its limit.
compileSchema({})

process.on('message', (job: CheckJob) => process.send?.(answer(job)))
