/** As much of a JSON Schema as a form needs. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
}

/** How a member of an input is entered. */
type Control = 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'json'

export interface SchemaField {
  readonly name: string
  readonly schema: Schema
  readonly control: Control
  readonly isRequired: boolean
}

/** The members of an input as fields of a form; undefined when the input is not a plain object. */
export function fieldsOf(schema: Schema): readonly SchemaField[] | undefined {
  if (schema.type !== 'object' || schema.properties === undefined || schema.anyOf || schema.oneOf) return undefined
  return Object.entries(schema.properties).map(([name, member]) => ({
    name,
    schema: member,
    control: controlOf(member),
    isRequired: schema.required?.includes(name) ?? false,
  }))
}

function controlOf({ type, enum: choices }: Schema): Control {
  if (choices?.every((choice) => typeof choice === 'string')) return 'choice'
  if (type === 'string') return 'text'
  if (type === 'number' || type === 'integer' || type === 'boolean') return type
  return 'json'
}

/** What a field shows of a value; empty for none. */
export function textOf({ control }: SchemaField, value: unknown): string {
  if (value === undefined) return ''
  if (control === 'json' || typeof value === 'object') return JSON.stringify(value, null, 2)
  return String(value)
}

/** What a field's text means: undefined for an empty one, which leaves the member out. */
export function parsedBy({ control }: SchemaField, text: string): unknown {
  if (text === '') return undefined
  if (control === 'number' || control === 'integer') return Number.isNaN(Number(text)) ? text : Number(text)
  if (control === 'boolean') return text === 'true'
  if (control !== 'json') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
