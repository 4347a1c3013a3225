import { Field } from './field.tsx'

/** What a JSON text means; undefined when it is none. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return undefined
  }
}

/** Why a text is not JSON, where that is known. */
function faultOf(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return `This is not JSON: ${(error as Error).message}`
  }
}

export interface JsonFieldProps {
  readonly label: string
  readonly text: string
  readonly onChange: (text: string) => void
  readonly hint?: string | undefined
  /** What the server found wrong with it. */
  readonly fault?: string | undefined
}

/** A JSON value to edit as text, with what is wrong with it. */
export function JsonField({ label, text, onChange, hint, fault }: JsonFieldProps) {
  const wrong = faultOf(text) ?? fault
  return (
    <Field label={label} hint={hint} fault={wrong}>
      {(id, describedBy) => (
        <textarea
          id={id}
          className="json"
          spellCheck={false}
          autoCapitalize="off"
          value={text}
          aria-invalid={wrong !== undefined}
          aria-describedby={describedBy}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  )
}
