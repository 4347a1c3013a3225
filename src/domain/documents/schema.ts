import { Ajv2020, type AnySchema, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { RE2JS } from 're2js'
import { errorMessage, InvalidInput } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'
import { TimeLimitExceeded, withTimeLimit } from '#lib/time-limit.ts'
import { SchemaViolation } from './errors.ts'
import { checkValue, type Value } from './value.ts'

/** Checks what a document is to hold against a schema. @throws {SchemaViolation} */
export type CheckData = (value: Value) => void

/** Most bytes of a schema as JSON. */
const schemaBytes = 64 * 1024
const smallBytes = 8 * 1024
const compileMs = 1_000
const checkMs = 250

// Regular expressions of a schema are somebody else's: RE2 takes time linear in the text for any of them.
const linear = Object.assign((pattern: string) => RE2JS.compile(RE2JS.translateRegExp(pattern)), { code: 'RE2JS' })

/**
 * Makes of a JSON Schema (2020-12, at most 64 KiB, with `format` checked) what checks data. References stay inside of it;
 * patterns can't look around or refer back; keywords that it doesn't know say nothing. @throws {InvalidInput}
 */
export function compileSchema(schema: unknown): CheckData {
  if (!isRecord(schema) && typeof schema !== 'boolean') refuse('must be a JSON Schema: an object, true or false')
  const { sizeBytes } = checkValue(schema, 'schema')
  if (sizeBytes > schemaBytes) refuse(`takes ${sizeBytes} bytes as JSON, and may take ${schemaBytes}`)
  if (isRecord(schema) && schema['$async'] !== undefined) refuse('can’t be asynchronous')
  const validate = compile(schema as AnySchema)
  // Without references the work is bounded by both sizes, and not worth watching for a small document.
  const isBounded = !/"\$(ref|dynamicRef)":/.test(JSON.stringify(schema))
  return ({ data, sizeBytes }) => {
    const isValid = isBounded && sizeBytes <= smallBytes ? validate(data) : runLimited(validate, data)
    if (!isValid) throw violationOf(validate.errors?.[0])
  }
}

function compile(schema: AnySchema): ValidateFunction {
  try {
    return withTimeLimit(compileMs, () => {
      const ajv = new Ajv2020({ strict: false, logger: false, code: { regExp: linear } })
      addFormats.default(ajv)
      return ajv.compile(schema)
    })
  } catch (error) {
    if (error instanceof TimeLimitExceeded) refuse('takes too long to be made ready')
    refuse(`can’t be used: ${errorMessage(error)}`)
  }
}

function runLimited(validate: ValidateFunction, data: unknown): boolean {
  try {
    return withTimeLimit(checkMs, () => validate(data))
  } catch (error) {
    if (error instanceof TimeLimitExceeded) throw new SchemaViolation('', `takes more than ${checkMs} ms to be checked`)
    // A schema that refers to itself without end.
    if (error instanceof RangeError) throw new SchemaViolation('', 'can’t be checked: the schema goes too deep')
    throw error
  }
}

function violationOf(error: ErrorObject | undefined): SchemaViolation {
  const { instancePath = '', message = 'does not fit', params = {} } = error ?? {}
  const names = Object.values(params).filter((one) => typeof one === 'string' || typeof one === 'number')
  const said = names.filter((one) => !message.includes(String(one)))
  return new SchemaViolation(instancePath, said.length === 0 ? message : `${message} (${said.join(', ')})`)
}

function refuse(message: string): never {
  throw new InvalidInput(`\`schema\` ${message}.`, [{ path: 'schema', message }])
}
