/** Families of events that the server alone writes, so that what they say is true; all others are callers' own. */
export const ownFamilies = [
  'task',
  'document',
  'collection',
  'entry',
  'lock',
  'auth',
  'webhook',
  'audit',
  'stream',
  'hook',
  'worker',
  'salesforce',
  'secret',
  'schedule',
] as const
export type OwnFamily = (typeof ownFamilies)[number]

/** The family of an event that the server wrote; undefined for an event of a caller's own. */
export function ownFamilyOf(type: string): OwnFamily | undefined {
  const [family] = type.split('.', 1)
  return ownFamilies.find((own) => own === family)
}
