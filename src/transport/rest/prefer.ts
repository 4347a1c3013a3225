import { maxWaitS } from './fields.ts'

/**
 * How many seconds `Prefer: wait=N` (RFC 7240 §4.3) asks for, at most 60; undefined when it doesn't ask.
 * Other preferences, and a malformed one, are ignored, as the RFC has it (§2).
 */
export function preferredWait(header: string | undefined): number | undefined {
  const preferences = (header ?? '').split(',').map((preference) => preference.split(';', 1)[0]?.trim())
  const [, seconds] = preferences.map((text) => /^wait\s*=\s*"?(\d{1,9})"?$/i.exec(text ?? '')).find(Boolean) ?? []
  return seconds === undefined ? undefined : Math.min(Number(seconds), maxWaitS)
}
