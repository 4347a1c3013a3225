import { useState } from 'react'
import { useLocation } from 'wouter'
import { CancelTaskDocument, hasEnded, RetryTaskDocument } from '#client/browser.ts'
import { type TaskData, useMutation } from '#client/react/index.ts'
import { ScopedButton } from '#console/ui/button.tsx'
import { Confirm } from '#console/ui/dialog.tsx'
import { Field } from '#console/ui/field.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'

export interface TaskActionsProps {
  readonly task: NonNullable<TaskData>
  readonly onChanged: () => Promise<void>
}

const scope = 'tasks:write'

/** What can be done with a task: stop it, run it again, or run another one with a changed input. */
export function TaskActions({ task, onChanged }: TaskActionsProps) {
  const [isCancelling, setCancelling] = useState(false)
  const retry = useMutation(RetryTaskDocument)
  const [, navigate] = useLocation()
  return (
    <>
      <ErrorNote error={retry.error} />
      <ScopedButton scope={scope} onClick={() => navigate(`/submit?again=${task.id}`)}>
        Run again with changes
      </ScopedButton>
      {(task.status === 'FAILED' || task.status === 'CANCELLED') && (
        <ScopedButton
          scope={scope}
          primary
          isBusy={retry.isRunning}
          onClick={() => void retry.run({ input: { id: task.id } }).then(onChanged)}
        >
          Retry
        </ScopedButton>
      )}
      {!hasEnded(task.status) && (
        <ScopedButton
          scope={scope}
          danger
          onClick={() => setCancelling(true)}
          disabled={task.cancelRequestedAt != null}
        >
          Cancel
        </ScopedButton>
      )}
      {isCancelling && <CancelDialog task={task} onChanged={onChanged} onClose={() => setCancelling(false)} />}
    </>
  )
}

function CancelDialog({ task, onChanged, onClose }: TaskActionsProps & { readonly onClose: () => void }) {
  const { run, isRunning, error } = useMutation(CancelTaskDocument)
  const [reason, setReason] = useState('')
  async function confirm() {
    if ((await run({ input: { id: task.id, reason: reason || null } })) === undefined) return
    onClose()
    await onChanged()
  }
  return (
    <Confirm
      title="Cancel this task?"
      action="Cancel task"
      danger
      isBusy={isRunning}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <p>A running attempt is asked to stop, and is ended after its grace period.</p>
      <Field label="Reason" hint="Shown with the task and in the audit log; may be empty.">
        {(id) => <input id={id} value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />}
      </Field>
    </Confirm>
  )
}
