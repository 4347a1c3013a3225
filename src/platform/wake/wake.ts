/** The longest text of a hint, in bytes. */
export const maxHintBytes = 7_500

/**
 * Hints between the processes of an installation: that it is worth looking now. They may get lost, arrive twice, or
 * overtake one another, so nothing may depend on them but how soon something is noticed.
 */
export interface Wake {
  /** Sends a hint of at most {@link maxHintBytes} to all processes, this one included; does not wait, and never throws. */
  send(channel: string, text: string): void
  /** Calls `listener` with each hint of a channel, across reconnections. It must not throw, nor wait. */
  listen(channel: string, listener: (text: string) => void): void
}
