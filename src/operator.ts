import { userInfo } from 'node:os'
import { newId } from '#lib/ids.ts'
import type { By } from '#platform/journal/entry.ts'

/** Who works at the machine itself with a command of this program; nothing else is known of them. */
export function operator(command: string): By {
  const { username } = userInfo()
  return {
    actor: { kind: 'system', id: 'operator', name: `operator ${username}` },
    origin: {
      requestId: newId(),
      address: 'localhost',
      userAgent: `signalbox ${command}`,
      credential: undefined,
      operation: undefined,
      scopes: [],
    },
  }
}
