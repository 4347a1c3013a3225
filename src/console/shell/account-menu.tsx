import { useSession } from '#console/session/session-context.ts'

/** Who is signed in, in which account; the way to others, and out. */
export function AccountMenu() {
  const { session, sessions, onSwitch, onSignOut, onAdd } = useSession()
  return (
    <>
      {sessions.length > 1 ? (
        <select aria-label="Account" value={session.account.id} onChange={(event) => onSwitch(event.target.value)}>
          {sessions.map(({ account, name }) => (
            <option key={account.id} value={account.id}>
              {account.name}: {name}
            </option>
          ))}
        </select>
      ) : (
        <div>
          <div className="who" title={session.name}>
            {session.name}
          </div>
          <div className="soft who">{session.account.name}</div>
        </div>
      )}
      <div className="row">
        <button type="button" className="link" onClick={() => void onSignOut()}>
          Sign out
        </button>
        <button type="button" className="link" onClick={onAdd}>
          Add account
        </button>
      </div>
    </>
  )
}
