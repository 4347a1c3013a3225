import { Ajv2020, type AnySchema, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { RE2JS } from 're2js'
import { errorMessage } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'

/** Why data is refused: a JSON Pointer into it, and a reason. */
export interface SchemaFault {
  readonly path: string
  readonly reason: string
}

/** What is wrong with data; undefined when nothing is. */
export type Validate = (data: unknown) => SchemaFault | undefined

/** The schema can't be used; the message says why, for its author. */
export class UnusableSchema extends Error {}

// Regular expressions of a schema are somebody else's: RE2 takes time linear in the text for any of them.
const linear = Object.assign((pattern: string) => RE2JS.compile(RE2JS.translateRegExp(pattern)), { code: 'RE2JS' })

/**
 * Compiles a JSON Schema (2020-12, with `format` checked). References stay inside of it; patterns can't
 * look around or refer back; keywords that it doesn't know say nothing. Takes as long as the schema's author decides.
 * @throws {UnusableSchema}
 */
export function compileSchema(schema: unknown): Validate {
  const validate = compile(schema)
  return (data) => {
    try {
      return validate(data) ? undefined : faultOf(validate.errors?.[0])
    } catch (error) {
      // A schema that refers to itself without end.
      if (error instanceof RangeError) return { path: '', reason: 'can’t be checked: the schema goes too deep' }
      throw error
    }
  }
}

function compile(schema: unknown): ValidateFunction {
  if (isRecord(schema) && schema['$async'] !== undefined) throw new UnusableSchema('can’t be asynchronous')
  try {
    const ajv = new Ajv2020({ strict: false, logger: false, code: { regExp: linear } })
    addFormats.default(ajv)
    return ajv.compile(schema as AnySchema)
  } catch (error) {
    throw new UnusableSchema(`can’t be used: ${errorMessage(error)}`)
  }
}

function faultOf(error: ErrorObject | undefined): SchemaFault {
  const { instancePath = '', message = 'does not fit', params = {} } = error ?? {}
  const names = Object.values(params).filter((one) => typeof one === 'string' || typeof one === 'number')
  const said = names.filter((one) => !message.includes(String(one)))
  return { path: instancePath, reason: said.length === 0 ? message : `${message} (${said.join(', ')})` }
}
