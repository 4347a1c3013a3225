import { z } from 'zod'
import { maxHintBytes, type Wake } from '#platform/wake/wake.ts'

const channel = 'signalbox_remote_tasks'
const accountIds = z.array(z.string())
/** As many ids as a hint surely holds. */
const maxAccounts = Math.floor(maxHintBytes / 40)

/** Tells all processes that tasks of these accounts wait for remote workers now. */
export function hintAtDue(wake: Wake, accounts: Iterable<string>): void {
  const ids = [...new Set(accounts)]
  for (let start = 0; start < ids.length; start += maxAccounts)
    wake.send(channel, JSON.stringify(ids.slice(start, start + maxAccounts)))
}

/** Calls `listener` with each account of such a hint. */
export function listenForDue(wake: Wake, listener: (accountId: string) => void): void {
  wake.listen(channel, (text) => {
    const ids = accountIds.safeParse(parseJson(text))
    if (ids.success) for (const id of ids.data) listener(id)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
