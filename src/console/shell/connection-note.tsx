import { useConnection } from '#client/react/index.ts'

/** Says that what is shown stands still, for as long as it does. */
export function ConnectionNote() {
  const { state } = useConnection()
  return (
    <div role="status" className="connection">
      {state === 'lost' && (
        <p className="note warn connection-lost">
          The connection to the server is lost. What you see stands still; it continues without a gap when the server
          answers again.
        </p>
      )}
    </div>
  )
}
