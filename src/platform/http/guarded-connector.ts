import { type LookupAddress, lookup } from 'node:dns'
import { lookup as lookupAll } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { skipContinue } from './continue-responses.ts'
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
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, skipContinue(socket))
      else callback(error, null)
    })
  }
}

function guardedLookup(mayReach: EgressRule): LookupFunction {
  return (host, options, callback) => {
    const decide = (error: Error | null, addresses: readonly LookupAddress[]) => {
      const refused = error ?? refusalOf(host, addresses, mayReach)
      if (refused !== undefined) return callback(refused, [])
      const [first] = addresses
      if (options.all || first === undefined) callback(null, [...addresses])
      else callback(null, first.address, first.family)
    }
    const known = loopbackOf(host, mayReach)
    if (known === undefined) lookup(host, { ...options, all: true }, decide)
    else decide(null, known)
  }
}

const loopback: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/**
 * What `localhost` and all names below it mean, whatever a resolver says or doesn't know (RFC 6761 §6.3): those of this
 * machine's own addresses that may be reached, all when none may; undefined for other names.
 */
function loopbackOf(host: string, mayReach: EgressRule): readonly LookupAddress[] | undefined {
  if (!/(^|\.)localhost\.*$/i.test(host)) return undefined
  const reachable = loopback.filter(({ address }) => mayReach(address))
  return reachable.length > 0 ? reachable : loopback
}

/** One internal address among others is a way in: the connection goes to whichever address answers first. */
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
  const addresses =
    family === 0
      ? (loopbackOf(host, mayReach) ?? (await lookupAll(host, { all: true })))
      : [{ address: literal, family }]
  const refused = refusalOf(literal, addresses, mayReach)
  if (refused !== undefined) throw refused
  return addresses.map(({ address }) => address)
}
