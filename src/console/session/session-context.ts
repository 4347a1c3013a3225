import { createContext, useContext } from 'react'
import { may } from '#console/lib/scopes.ts'
import type { Instance, Session } from './session.ts'

export interface SignedIn {
  readonly session: Session
  readonly instance: Instance
  /** All accounts that this browser is signed in to. */
  readonly sessions: readonly Session[]
  /** Shows another account, in this tab. */
  readonly onSwitch: (accountId: string) => void
  readonly onSignOut: () => Promise<void>
  /** Signs in to one more account. */
  readonly onAdd: () => void
}

export const SessionContext = createContext<SignedIn | undefined>(undefined)

/** Who is signed in, and how to change that. */
export function useSession(): SignedIn {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('There is no session here.')
  return session
}

/** Whether the person may do something at least somewhere. */
export function useMay(scope: string): boolean {
  return may(useSession().session.scopes, scope)
}
