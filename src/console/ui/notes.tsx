import type { ReactNode } from 'react'
import type { SignalboxError } from '#client/browser.ts'

/** Why something failed, as the server says it; nothing without an error. */
export function ErrorNote({ error }: { readonly error: SignalboxError | undefined }) {
  if (error === undefined) return null
  return (
    <p className="note error" role="alert">
      {error.message}
    </p>
  )
}

/** Nothing is there; says what to do about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  )
}
