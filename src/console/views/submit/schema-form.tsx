import type { InputIssue } from '#client/browser.ts'
import { Field } from '#console/ui/field.tsx'
import { parsedBy, type SchemaField, textOf } from './schema-fields.ts'

export interface SchemaFormProps {
  readonly fields: readonly SchemaField[]
  readonly value: Readonly<Record<string, unknown>>
  readonly onChange: (value: Readonly<Record<string, unknown>>) => void
  /** What the server found wrong, by path. */
  readonly issues: readonly InputIssue[]
}

/** A form for an input, made from the JSON Schema of its type. */
export function SchemaForm({ fields, value, onChange, issues }: SchemaFormProps) {
  return fields.map((field) => (
    <MemberField
      key={field.name}
      field={field}
      value={value[field.name]}
      fault={
        issues.find(({ path }) => path === `input.${field.name}` || path.startsWith(`input.${field.name}.`))?.message
      }
      onChange={(member) => {
        const { [field.name]: _, ...others } = value
        onChange(member === undefined ? others : { ...others, [field.name]: member })
      }}
    />
  ))
}

interface MemberFieldProps {
  readonly field: SchemaField
  readonly value: unknown
  readonly fault: string | undefined
  readonly onChange: (value: unknown) => void
}

function MemberField({ field, value, fault, onChange }: MemberFieldProps) {
  const { name, schema, isRequired } = field
  const label = `${schema.title ?? name}${isRequired ? ' (required)' : ''}`
  return (
    <Field label={label} hint={hintOf(field)} fault={fault}>
      {(id, describedBy) => {
        const common = {
          id,
          'aria-describedby': describedBy,
          'aria-invalid': fault !== undefined,
          'aria-required': isRequired,
          value: textOf(field, value),
          onChange: (event: { target: { value: string } }) => onChange(parsedBy(field, event.target.value)),
        }
        return control(field, common)
      }}
    </Field>
  )
}

function control({ control: kind, schema }: SchemaField, common: object) {
  if (kind === 'choice' || kind === 'boolean')
    return (
      <select {...common}>
        <option value="">{schema.default === undefined ? 'Not set' : `Default: ${String(schema.default)}`}</option>
        {(kind === 'boolean' ? ['true', 'false'] : (schema.enum as readonly string[])).map((choice) => (
          <option key={choice} value={choice}>
            {choice}
          </option>
        ))}
      </select>
    )
  const placeholder =
    schema.default === undefined ? undefined : textOf({ control: kind } as SchemaField, schema.default)
  if (kind === 'json')
    return <textarea {...common} className="json short" spellCheck={false} placeholder={placeholder} />
  return (
    <input
      {...common}
      type={kind === 'text' ? 'text' : 'number'}
      step={kind === 'integer' ? 1 : 'any'}
      placeholder={placeholder}
    />
  )
}

function hintOf({ schema, control: kind }: SchemaField): string | undefined {
  const { description, minimum, maximum } = schema
  const isBounded = minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
  const bounds = isBounded ? `From ${minimum} to ${maximum}.` : undefined
  const form = kind === 'json' ? 'JSON.' : undefined
  return [description, bounds, form].filter(Boolean).join(' ') || undefined
}
