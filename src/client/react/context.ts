import { createContext, createElement, type ReactNode, useContext } from 'react'
import type { SignalboxClient } from '#client/client.ts'

const ClientContext = createContext<SignalboxClient | undefined>(undefined)

export interface SignalboxProviderProps {
  readonly client: SignalboxClient
  readonly children?: ReactNode
}

/** Provides the client of the hooks below it. It does not close the client. */
export function SignalboxProvider({ client, children }: SignalboxProviderProps) {
  return createElement(ClientContext, { value: client }, children)
}

/** The client of the nearest {@link SignalboxProvider}. @throws {Error} when there is none */
export function useClient(): SignalboxClient {
  const client = useContext(ClientContext)
  if (client === undefined) throw new Error('Hooks of Signalbox need a <SignalboxProvider client={…}> above them.')
  return client
}
