import { type LookupAddress, lookup } from 'node:dns'
import { lookup as lookupAll } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { EgressRefused, type EgressRule } from './egress.ts'

const connectTimeoutMs = 10_000

/**
 * Connects only where the rule allows. The addresses that were looked at are those that the socket then connects to, so a
 * name that means something else a moment later doesn't lead anywhere else.
 */
export function guardedConnector(mayReach: EgressRule): buildConnector.connector {
  const connect = buildConnector({ allowH2: false, timeout: connectTimeoutMs, lookup: guardedLookup(mayReach) })
  return (options, callback) => {
    const { hostname } = options
    // An address is connected to without being looked up.
    if (isIP(hostname) !== 0 && !mayReach(hostname)) return callback(new EgressRefused(hostname, hostname), null)
    connect(options, callback)
  }
}

function guardedLookup(mayReach: EgressRule): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const refused = error ?? refusalOf(host, addresses, mayReach)
      if (refused !== undefined) return callback(refused, [])
      const [first] = addresses
      if (options.all || first === undefined) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

/** One inner address among others is a way in: whoever connects takes whichever answers first. */
function refusalOf(host: string, addresses: readonly LookupAddress[], mayReach: EgressRule): EgressRefused | undefined {
  const inner = addresses.find(({ address }) => !mayReach(address))
  return inner && new EgressRefused(host, inner.address)
}

/**
 * The addresses of a host, which may be one itself, all of them within the rule.
 * @throws {EgressRefused} when one isn't @throws what the resolver says when there are none
 */
export async function reachableAddresses(host: string, mayReach: EgressRule): Promise<string[]> {
  const literal = host.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(literal)
  const addresses = family === 0 ? await lookupAll(host, { all: true }) : [{ address: literal, family }]
  const refused = refusalOf(literal, addresses, mayReach)
  if (refused !== undefined) throw refused
  return addresses.map(({ address }) => address)
}
