import { type ReactNode, useEffect, useRef } from 'react'
import { Button } from './button.tsx'

export interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  readonly className?: string | undefined
}

/** A modal dialog, open for as long as it is rendered; Escape closes it. */
export function Dialog({ title, onClose, children, className }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog
      ref={ref}
      className={className}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      {children}
    </dialog>
  )
}

export interface ConfirmProps {
  readonly title: string
  /** What the button does, such as `Cancel task`. */
  readonly action: string
  readonly danger?: boolean | undefined
  readonly isBusy?: boolean | undefined
  readonly onConfirm: () => void
  readonly onClose: () => void
  readonly children: ReactNode
}

/** Asks before something that can't be undone, or needs more than a click. */
export function Confirm({ title, action, danger, isBusy, onConfirm, onClose, children }: ConfirmProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          onConfirm()
        }}
      >
        <h2>{title}</h2>
        <div className="stack">{children}</div>
        <div className="buttons">
          <Button onClick={onClose}>Keep it as it is</Button>
          <Button primary={!danger} danger={danger} isBusy={isBusy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
