import { SchemaViolation } from '#domain/documents/errors.ts'
import { checkValue, type Value } from '#domain/documents/value.ts'
import { invalidInput } from '#lib/errors.ts'
import { FairQueue } from '#lib/fair-queue.ts'
import { isRecord } from '#lib/json.ts'
import { type CheckOutcome, compileMs } from './check-job.ts'
import { CheckProcess } from './check-process.ts'
import { plainDocumentBytes } from './plain-schema.ts'
import { compileSchema, type SchemaFault, UnusableSchema, type Validate } from './validation.ts'

/** Most bytes of a schema as JSON. */
const schemaBytes = 64 * 1024
/** A plain schema that is larger isn't made ready in the event loop. */
const maxPlainBytes = 8 * 1024

/** In milliseconds. */
export const checkLimits = {
  /** One check, and all of a transaction, for as long as others may wait for them. */
  quick: 10,
  quickTransaction: 50,
  /** How long an answer is waited for there, when the process is busy with others. */
  quickWait: 25,
  /** One check, and all of a request, where nobody else waits for them. */
  patient: 250,
  request: 1_000,
  /** Of all documents of a collection that is to have another schema; and of those written meanwhile. */
  collection: 20_000,
} as const

/** A schema as documents are checked against it. */
export interface PreparedSchema {
  /** As JSON. */
  readonly text: string
  /** Checks a small document at once; undefined when no document is small enough. */
  readonly plain: { readonly validate: Validate; readonly maxBytes: number } | undefined
}

/** A schema of a collection, which was found to be usable when it was given. */
export function prepareSchema(schema: unknown): PreparedSchema {
  const text = JSON.stringify(schema)
  const maxBytes = text.length > maxPlainBytes ? undefined : plainDocumentBytes(schema, text.length)
  return { text, plain: maxBytes === undefined ? undefined : { validate: compileSchema(schema), maxBytes } }
}

/** Whether and how a value is checked: throws when it is refused. */
export interface SchemaChecks {
  /** @throws {SchemaViolation} @throws {SlowCheck} */
  check(schema: PreparedSchema, value: Value): Promise<void>
}

/** The check takes longer than others should wait for it. */
export class SlowCheck extends Error {}

/**
 * Checks documents against schemas that somebody else wrote, and that may take as long as they like: what isn't plainly
 * quick is done in processes of their own, within limits of time and memory. One has checks of a few milliseconds, which
 * others wait for; the other has those that take longer, in which accounts take turns.
 */
export class SchemaChecker {
  readonly #quick = new CheckProcess()
  readonly #patient = new CheckProcess()
  readonly #turns = new FairQueue(1)

  /** @throws {InvalidInput} when the schema can't be used: it is too large, wrong, or takes too long to be made ready. */
  async mustBeUsable(accountId: string, schema: unknown): Promise<PreparedSchema> {
    if (!isRecord(schema) && typeof schema !== 'boolean') refuse('must be a JSON Schema: an object, true or false')
    const { sizeBytes } = checkValue(schema, 'schema')
    if (sizeBytes > schemaBytes) refuse(`takes ${sizeBytes} bytes as JSON, and may take ${schemaBytes}`)
    const { outcome } = await this.#askPatient(accountId, JSON.stringify(schema), undefined, compileMs)
    if (outcome.kind === 'UNUSABLE') refuse(outcome.message)
    if (outcome.kind === 'LATE') refuse('takes too long to be made ready')
    return prepared(schema)
  }

  /** Checks for one transaction, in which others wait as well. */
  quickChecks(): SchemaChecks {
    let spentMs = 0
    return {
      check: async (schema, value) => {
        if (passesPlainly(schema, value)) return
        if (spentMs >= checkLimits.quickTransaction) throw new SlowCheck()
        const job = { schema: schema.text, data: JSON.stringify(value.data), limitMs: checkLimits.quick }
        const { outcome, ms } = await this.#quick.ask(job, checkLimits.quickWait)
        spentMs += outcome.kind === 'LATE' ? checkLimits.quick : ms
        if (outcome.kind === 'LATE') throw new SlowCheck()
        mustPass(outcome)
      },
    }
  }

  /** Checks for a request, all of them within a limit: past it, whatever isn't plainly quick is refused unseen. */
  patientChecks(accountId: string, totalMs: number = checkLimits.request): SchemaChecks {
    let leftMs = totalMs
    return {
      check: async (schema, value) => {
        if (passesPlainly(schema, value)) return
        if (leftMs <= 0)
          throw new SchemaViolation('', `can’t be checked: all checks together take more than ${totalMs} ms`)
        const limitMs = Math.ceil(Math.min(checkLimits.patient, leftMs))
        const { outcome, ms } = await this.#askPatient(accountId, schema.text, JSON.stringify(value.data), limitMs)
        leftMs -= outcome.kind === 'LATE' ? limitMs : ms
        if (outcome.kind === 'LATE') throw new SchemaViolation('', `takes more than ${limitMs} ms to be checked`)
        mustPass(outcome)
      },
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#quick.close(), this.#patient.close()])
  }

  #askPatient(accountId: string, schema: string, data: string | undefined, limitMs: number) {
    return this.#turns.run(accountId, () => this.#patient.ask({ schema, data, limitMs }))
  }
}

function prepared(schema: unknown): PreparedSchema {
  try {
    return prepareSchema(schema)
  } catch (error) {
    if (error instanceof UnusableSchema) refuse(error.message)
    throw error
  }
}

/** Whether it was checked at once, and nothing is wrong. @throws {SchemaViolation} */
function passesPlainly({ plain }: PreparedSchema, { data, sizeBytes }: Value): boolean {
  if (plain === undefined || sizeBytes > plain.maxBytes) return false
  mustFit(plain.validate(data))
  return true
}

function mustPass(outcome: CheckOutcome): void {
  if (outcome.kind === 'INVALID') mustFit(outcome)
  if (outcome.kind === 'UNUSABLE') mustFit({ path: '', reason: `can’t be checked: the schema ${outcome.message}` })
}

function mustFit(fault: SchemaFault | undefined): void {
  if (fault !== undefined) throw new SchemaViolation(fault.path, fault.reason)
}

function refuse(message: string): never {
  throw invalidInput('The collection', [{ path: 'schema', message }])
}
