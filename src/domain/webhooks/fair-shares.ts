import type { Endpoint } from './endpoint.ts'

/** A webhook for which something is due, and how many attempts of it may be begun. */
export interface Due {
  readonly endpoint: Endpoint
  readonly room: number
}

/** Gives each webhook at most its room, and none more than others as long as these have room. */
export function fairShares(due: readonly Due[], free: number): Due[] {
  const sorted = due.filter(({ room }) => room > 0).toSorted((a, b) => a.room - b.room)
  let left = free
  return sorted.flatMap(({ endpoint, room }, index) => {
    const share = Math.min(room, Math.ceil(left / (sorted.length - index)))
    left -= share
    return share > 0 ? [{ endpoint, room: share }] : []
  })
}
