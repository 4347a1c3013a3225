import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { useCallback, useRef, useState } from 'react'
import { SignalboxError } from '#client/errors.ts'
import { payloadOf } from '#client/payload.ts'
import { useClient } from './context.ts'

type Payload<Data> = Data extends object ? Exclude<Data[keyof Data] & object, { code: string; message: string }> : never

export interface MutationState<Data, Variables> {
  /** Runs the mutation; its payload, or undefined when it failed: see `error`. */
  readonly run: (variables: Variables) => Promise<Payload<Data> | undefined>
  readonly isRunning: boolean
  /** Why the last run failed. */
  readonly error: SignalboxError | undefined
  /** Forgets the error. */
  readonly reset: () => void
}

/** A mutation with one field, whose failures are errors with a code, such as `VERSION_CONFLICT`. */
export function useMutation<Data extends object, Variables>(
  document: TypedDocumentNode<Data, Variables>,
): MutationState<Data, Variables> {
  const client = useClient()
  const [state, setState] = useState<{ isRunning: boolean; error: SignalboxError | undefined }>(idle)
  const latest = useRef(0)
  const run = useCallback(
    async (variables: Variables) => {
      latest.current += 1
      const turn = latest.current
      const settle = (error: SignalboxError | undefined) => {
        if (turn === latest.current) setState({ isRunning: false, error })
      }
      setState({ isRunning: true, error: undefined })
      try {
        const data = await client.request(document, variables)
        const [result] = Object.values(data) as [object]
        const payload = payloadOf(result) as Payload<Data>
        settle(undefined)
        return payload
      } catch (error) {
        if (!(error instanceof SignalboxError)) throw error
        settle(error)
        return undefined
      }
    },
    [client, document],
  )
  const reset = useCallback(() => setState(idle), [])
  return { ...state, run, reset }
}

const idle = { isRunning: false, error: undefined }
