import { type ReactNode, useId } from 'react'

export interface FieldProps {
  readonly label: string
  readonly hint?: string | undefined
  /** What is wrong with the value. */
  readonly fault?: string | undefined
  /** The control; it must have the id, and be described by the second one. */
  readonly children: (id: string, describedBy: string) => ReactNode
}

/** A control with a visible label, what to enter, and what is wrong with it. */
export function Field({ label, hint, fault, children }: FieldProps) {
  const id = useId()
  const detailId = `${id}-detail`
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(id, detailId)}
      <div id={detailId}>
        {fault !== undefined && <span className="fault">{fault}</span>}
        {fault === undefined && hint !== undefined && <span className="hint">{hint}</span>}
      </div>
    </div>
  )
}
