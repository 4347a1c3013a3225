import type { ReactNode } from 'react'
import { useMay } from '#console/session/session-context.ts'

export interface ButtonProps {
  readonly children: ReactNode
  /** Submits its form when undefined. */
  readonly onClick?: (() => void) | undefined
  readonly primary?: boolean | undefined
  readonly danger?: boolean | undefined
  readonly small?: boolean | undefined
  readonly wide?: boolean | undefined
  readonly isBusy?: boolean | undefined
  readonly disabled?: boolean | undefined
  readonly title?: string | undefined
}

export function Button({ children, onClick, primary, danger, small, wide, isBusy, disabled, title }: ButtonProps) {
  const variants = { primary, danger, small, 'wide-button': wide }
  const names = Object.entries(variants).flatMap(([name, isOn]) => (isOn ? [name] : []))
  return (
    <button
      type={onClick === undefined ? 'submit' : 'button'}
      className={['button', ...names].join(' ')}
      onClick={onClick}
      disabled={disabled || isBusy}
      aria-busy={isBusy || undefined}
      title={title}
    >
      {children}
    </button>
  )
}

/** A button for what needs a scope: disabled, with the scope named, for those who lack it. */
export function ScopedButton({ scope, ...props }: ButtonProps & { readonly scope: string }) {
  const isAllowed = useMay(scope)
  return isAllowed ? <Button {...props} /> : <Button {...props} disabled title={`Needs the scope ${scope}`} />
}
