import { parentPort } from 'node:worker_threads'
import { LRUCache } from 'lru-cache'
import { TimeLimitExceeded, withTimeLimit } from '#lib/time-limit.ts'
import { type CheckAnswer, type CheckJob, type CheckOutcome, compileMs } from './check-job.ts'
import { compileSchema, UnusableSchema, type Validate } from './validation.ts'

/** Characters of schemas that are kept ready. */
const keptCharacters = 1024 * 1024
const ready = new LRUCache<string, Validate>({ maxSize: keptCharacters, sizeCalculation: (_, text) => text.length + 1 })

function validateOf(schema: string): Validate {
  const known = ready.get(schema)
  if (known !== undefined) return known
  const validate = withTimeLimit(compileMs, () => compileSchema(JSON.parse(schema)))
  ready.set(schema, validate)
  return validate
}

function answer({ id, schema, data, limitMs }: CheckJob): CheckAnswer {
  let startedAt = performance.now()
  const done = (outcome: CheckOutcome): CheckAnswer => ({ id, outcome, ms: performance.now() - startedAt })
  try {
    const validate = validateOf(schema)
    if (data === undefined) return done({ kind: 'VALID' })
    const value: unknown = JSON.parse(data)
    startedAt = performance.now()
    const fault = withTimeLimit(Math.max(1, Math.ceil(limitMs)), () => validate(value))
    return done(fault === undefined ? { kind: 'VALID' } : { kind: 'INVALID', ...fault })
  } catch (error) {
    if (error instanceof TimeLimitExceeded) return done({ kind: 'LATE' })
    if (error instanceof UnusableSchema) return done({ kind: 'UNUSABLE', message: error.message })
    throw error
  }
}

parentPort?.on('message', (job: CheckJob) => parentPort?.postMessage(answer(job)))
