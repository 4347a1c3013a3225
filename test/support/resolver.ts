import dns from 'node:dns'
import dnsPromises from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'

/** What names mean, one list of addresses for each look-up; the last list stays. */
export type Names = Readonly<Record<string, readonly (readonly string[])[]>>

/** Lets names mean this in the present process, all others what they do, until the returned function is called. */
export function resolveNames(names: Names): () => void {
  const { lookup } = dns
  const { lookup: lookupPromise } = dnsPromises
  const asked = new Map<string, number>()
  const next = (name: string) => {
    const answers = names[name]
    if (answers === undefined) return undefined
    const count = asked.get(name) ?? 0
    asked.set(name, count + 1)
    const addresses = answers[Math.min(count, answers.length - 1)] ?? []
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  dns.lookup = ((name: string, options: never, callback: (error: null, addresses: unknown) => void) => {
    const found = next(name)
    if (found === undefined) lookup(name, options, callback as never)
    else callback(null, found)
  }) as typeof dns.lookup
  dnsPromises.lookup = (async (name: string, options: never) =>
    next(name) ?? lookupPromise(name, options)) as typeof dnsPromises.lookup
  syncBuiltinESMExports()
  return () => {
    dns.lookup = lookup
    dnsPromises.lookup = lookupPromise
    syncBuiltinESMExports()
  }
}
