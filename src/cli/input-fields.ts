/** One property of a task type's input. */
export interface InputField {
  readonly name: string
  /** As JSON Schema names it. */
  readonly type: string
  readonly isRequired: boolean
  readonly fallback: string | undefined
  readonly description: string
}

interface Schema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

/**
 * The properties of an input, from its JSON Schema; where it has several forms, those of all of them. None where the
 * input is not an object.
 */
export function inputFields(schema: unknown): InputField[] {
  const { properties = {}, required = [], anyOf, oneOf = anyOf } = (schema ?? {}) as Schema
  if (oneOf !== undefined) return mergedFields(oneOf)
  return Object.entries(properties).map(([name, field]) => ({
    name,
    type: typeText(field),
    isRequired: required.includes(name) && field.default === undefined,
    fallback: field.default === undefined ? undefined : JSON.stringify(field.default),
    description: field.description ?? '',
  }))
}

/** A field is required where every form requires it. */
function mergedFields(forms: readonly Schema[]): InputField[] {
  const fieldsOfForms = forms.map(inputFields)
  const names = new Set(fieldsOfForms.flat().map(({ name }) => name))
  return [...names].map((name) => {
    const same = fieldsOfForms.flat().filter((field) => field.name === name)
    const join = (texts: readonly string[]) => [...new Set(texts)].filter(Boolean).join(' | ')
    return {
      name,
      type: join(same.map(({ type }) => type)),
      isRequired: same.length === forms.length && same.every(({ isRequired }) => isRequired),
      fallback: undefined,
      description: join(same.map(({ description }) => description)),
    }
  })
}

function typeText({ type, enum: values, const: only, anyOf, oneOf }: Schema): string {
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(' | ')
  if (only !== undefined) return JSON.stringify(only)
  const variants = anyOf ?? oneOf
  if (variants !== undefined) return [...new Set(variants.map(typeText))].join(' | ')
  if (type === undefined) return 'any'
  return typeof type === 'string' ? type : type.join(' | ')
}
