/** What the event loop and the thread that watches it share. */
export interface WatchdogData {
  /** Two integers of 32 bits, see {@link beatsIn}. */
  readonly shared: SharedArrayBuffer
  /** Time between two looks, in milliseconds. */
  readonly checkMs: number
  /** How many looks in a row have to find no beat. */
  readonly checks: number
  /** Undefined: nothing is logged. */
  readonly logFormat: 'json' | 'pretty' | undefined
}

/** Where each integer is: `count` grows with every beat, `isDebugged` is 1 while a debugger may attach. */
export const beatsIn = { count: 0, isDebugged: 1, bytes: 8 } as const
