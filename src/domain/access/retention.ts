import type { Database } from '#platform/database/client.ts'
import { deleteOldRefusals } from './incidents/incident-store.ts'
import { deleteOldBrowserSessions } from './sign-in/browser-session-store.ts'
import { deleteOldDevices } from './sign-in/device-store.ts'
import { deleteOldPlaces } from './sign-in/place-store.ts'
import { deleteOldSessions } from './sign-in/session-store.ts'
import { deleteOldHours, deleteOldTokens } from './tokens/token-store.ts'

/** How long an ended session is kept, so that reuse of its refresh tokens is noticed. */
const sessionRetentionDays = 30
const deletedAtOnce = 1_000

/** Deletes what ended long ago. */
export async function applyAccessRetention(database: Database): Promise<void> {
  await deleteOldHours(database)
  await deleteOldRefusals(database)
  await deleteOldDevices(database)
  await deleteOldPlaces(database)
  while ((await deleteOldBrowserSessions(database, deletedAtOnce)) === deletedAtOnce);
  while ((await deleteOldTokens(database, deletedAtOnce)) === deletedAtOnce);
  while ((await deleteOldSessions(database, sessionRetentionDays, deletedAtOnce)) === deletedAtOnce);
}
