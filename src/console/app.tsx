import { Suspense, useCallback, useEffect, useMemo, useState } from 'react'
import { Redirect, Route, Router, Switch } from 'wouter'
import { createClient } from '#client/browser.ts'
import { SignalboxProvider, useConnection } from '#client/react/index.ts'
import { basePath, serverUrl } from '#console/lib/base-path.ts'
import { may } from '#console/lib/scopes.ts'
import { choose, chosenOf, readSessions, type Session, type Sessions, signOut } from '#console/session/session.ts'
import { SessionContext, useSession } from '#console/session/session-context.ts'
import { SignIn } from '#console/session/sign-in.tsx'
import { Shell } from '#console/shell/shell.tsx'
import { ErrorBoundary } from '#console/ui/error-boundary.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { Missing } from '#console/ui/missing.tsx'
import { views } from '#console/views.ts'

/** The console: who is there, then the shell with its views. */
export function App() {
  const [known, setKnown] = useState<Sessions | undefined>()
  const [isAdding, setAdding] = useState(false)
  const [notice, setNotice] = useState<string | undefined>()
  const [failure, setFailure] = useState<string | undefined>()

  const reload = useCallback(async () => {
    try {
      setKnown(await readSessions())
      setFailure(undefined)
    } catch {
      setFailure('The server does not answer. This page tries again by itself.')
    }
  }, [])
  useEffect(() => void reload(), [reload])
  useEffect(() => {
    if (failure === undefined) return
    const timer = setInterval(() => void reload(), 3_000)
    return () => clearInterval(timer)
  }, [failure, reload])

  if (known === undefined)
    return failure === undefined ? (
      <Loading />
    ) : (
      <main className="sign-in">
        <p className="note" role="status">
          {failure}
        </p>
      </main>
    )
  const session = chosenOf(known)
  const signedIn = async (accountId: string) => {
    choose(accountId)
    setAdding(false)
    setNotice(undefined)
    await reload()
  }
  if (session === undefined || isAdding)
    return (
      <SignIn
        instance={known.instance}
        notice={notice}
        onSignedIn={signedIn}
        onCancel={session && (() => setAdding(false))}
      />
    )
  return (
    <SignedInApp
      key={session.account.id}
      known={known}
      session={session}
      onSwitch={(accountId) => {
        choose(accountId)
        setKnown({ ...known })
      }}
      onSignOut={async () => {
        await signOut(session.account.id)
        await reload()
      }}
      onAdd={() => setAdding(true)}
      onRefused={() => {
        setNotice('Your session has ended. Sign in again to go on where you were.')
        void reload()
      }}
    />
  )
}

interface SignedInAppProps {
  readonly known: Sessions
  readonly session: Session
  readonly onSwitch: (accountId: string) => void
  readonly onSignOut: () => Promise<void>
  readonly onAdd: () => void
  readonly onRefused: () => void
}

function SignedInApp({ known, session, onRefused, ...actions }: SignedInAppProps) {
  const client = useMemo(
    () => createClient({ url: `${serverUrl}?session=${session.account.id}` }),
    [session.account.id],
  )
  useEffect(() => () => void client.close(), [client])
  return (
    <SignalboxProvider client={client}>
      <SessionContext value={{ session, instance: known.instance, sessions: known.sessions, ...actions }}>
        <RefusalWatch onRefused={onRefused} />
        <Router base={basePath}>
          <Shell>
            <Views />
          </Shell>
        </Router>
      </SessionContext>
    </SignalboxProvider>
  )
}

/** A credential that ends while the page is open leads to the sign-in, and back to the same address. */
function RefusalWatch({ onRefused }: { readonly onRefused: () => void }) {
  const { state } = useConnection()
  useEffect(() => {
    if (state === 'refused') onRefused()
  }, [state, onRefused])
  return null
}

function Views() {
  const { session } = useSession()
  return (
    <Suspense fallback={<Loading />}>
      <Switch>
        {views.map(({ name, title, scopes, Component }) => (
          <Route key={name} path={`/${name}/*?`}>
            <ErrorBoundary key={name}>
              {scopes.every((scope) => may(session.scopes, scope)) ? (
                <Component />
              ) : (
                <Missing title={title}>This view needs the scope {scopes.join(', ')}, which you do not have.</Missing>
              )}
            </ErrorBoundary>
          </Route>
        ))}
        <Route path="/">
          <Redirect to="/overview" replace />
        </Route>
        <Route path="/sign-in">
          <Redirect to="/overview" replace />
        </Route>
        <Route>
          <Missing title="Not found">There is no such page.</Missing>
        </Route>
      </Switch>
    </Suspense>
  )
}
