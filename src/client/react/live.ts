import type { SignalboxError } from '#client/errors.ts'

/** What a hook knows of something on the server. */
export interface Live<Data> {
  /** The latest; undefined until it was received. */
  readonly data: Data | undefined
  /** Why there is none, or why it is no longer updated. Outages are not errors: see `isLive` and {@link useConnection}. */
  readonly error: SignalboxError | undefined
  /** Whether the first data is still on its way. */
  readonly isLoading: boolean
  /** Whether changes arrive as they happen; false while the connection is lost. */
  readonly isLive: boolean
}

/** Before anything is known, and on the server. */
export const loading: Live<never> = { data: undefined, error: undefined, isLoading: true, isLive: false }

/** Of a hook that is skipped. */
export const skipped: Live<never> = { data: undefined, error: undefined, isLoading: false, isLive: false }
