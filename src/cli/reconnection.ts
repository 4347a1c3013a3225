import type { FollowOptions } from '#client/index.ts'

/** Reports a broken connection once, however many attempts it takes, and once that it is back. */
export function reconnectionRemarks(say: (text: string) => void): Pick<FollowOptions, 'onReconnect' | 'onConnected'> {
  let isLost = false
  return {
    onReconnect({ reason }) {
      if (reason === 'expired') say('Some events of the meantime have expired; continuing from the current state.')
      if (reason !== 'lost' || isLost) return
      isLost = true
      say('The server does not answer; reconnecting…')
    },
    onConnected() {
      if (isLost) say('Connected again.')
      isLost = false
    },
  }
}
