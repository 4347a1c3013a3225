import ipaddr from 'ipaddr.js'

/** Whether outbound calls may reach an address, given as a text without brackets. */
export type EgressRule = (address: string) => boolean

/**
 * All that is reached by the public internet's own routes, IPv4 or IPv6, and the networks (CIDR) that are named. Private,
 * loopback, link-local (where clouds keep their metadata), shared, multicast, documentation, benchmark and transition
 * ranges are not. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) counts as what it is.
 */
export function createEgressRule(allowed: readonly string[]): EgressRule {
  const networks = allowed.map(networkOf)
  return (text) => {
    if (!ipaddr.isValid(text)) return false
    const address = ipaddr.process(text)
    return (
      isPublic(address) || networks.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
    )
  }
}

/** A network; one of IPv4-mapped addresses is the network of those IPv4 addresses. */
function networkOf(text: string): [ReturnType<typeof ipaddr.process>, number] {
  const [base, bits] = ipaddr.parseCIDR(text)
  const isMapped = base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress() && bits >= 96
  return isMapped ? [base.toIPv4Address(), bits - 96] : [base, bits]
}

/** Of IPv6, only 2000::/3 is given out (RFC 4291 §2.4); what lies outside of it and has no name leads elsewhere, if anywhere. */
const globalUnicast = ipaddr.parseCIDR('2000::/3')

function isPublic(address: ReturnType<typeof ipaddr.process>): boolean {
  if (address.range() !== 'unicast') return false
  return address.kind() === 'ipv4' || address.match(...globalUnicast)
}

/**
 * A host has an address that outbound calls may not reach. The message does not say which: the caller would learn how
 * inner names resolve.
 */
export class EgressRefused extends Error {
  readonly host: string
  readonly address: string
  constructor(host: string, address: string) {
    super(
      host === address
        ? `The address ${address} may not be reached from here.`
        : `The host ${host} has an address that may not be reached from here.`,
    )
    this.name = 'EgressRefused'
    this.host = host
    this.address = address
  }
}
