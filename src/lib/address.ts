import ipaddr from 'ipaddr.js'

/** How an IPv4 address looks to a socket that listens on IPv6 (RFC 4291 §2.5.5.2), as Node.js writes it. */
const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i

/**
 * One spelling for each IP address: IPv4-mapped IPv6 as IPv4, other IPv6 as RFC 5952 writes it, without a zone. Text that
 * is not an IP address stays as it is.
 */
export function plainAddress(text: string): string {
  if (!text.includes(':')) return text
  const [, embedded] = mapped.exec(text) ?? []
  if (embedded !== undefined) return embedded
  const [address = ''] = text.split('%', 1)
  return ipaddr.IPv6.isValid(address) ? ipaddr.process(address).toString() : text
}

/** Translators write IPv4 addresses with this prefix (RFC 6052 §2.1), so that all of IPv4 is within one /64. */
const translated = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/**
 * What belongs to one subscriber, as a text for counting: an IPv4 address, or the /64 of an IPv6 address, which is the
 * least that a site is given (RFC 6177). Takes an address as {@link plainAddress} writes it.
 */
export function addressBlock(address: string): string {
  return blockOf(address, { ipv4: 32, ipv6: 64 })
}

/**
 * What may belong to one operator of many addresses, as a text for counting: the /24 of an IPv4 address, the /48 of an
 * IPv6 address.
 */
export function addressNetwork(address: string): string {
  return blockOf(address, { ipv4: 24, ipv6: 48 })
}

function blockOf(address: string, bits: { readonly ipv4: 24 | 32; readonly ipv6: 48 | 64 }): string {
  if (!address.includes(':')) return bits.ipv4 === 32 ? address : `${address.split('.', 3).join('.')}.0/24`
  if (!ipaddr.IPv6.isValid(address)) return address
  const parsed = ipaddr.IPv6.parse(address)
  if (parsed.match(...translated)) return blockOf(ipv4Of(parsed.parts), bits)
  const kept = bits.ipv6 / 16
  return `${new ipaddr.IPv6(parsed.parts.map((part, index) => (index < kept ? part : 0)))}/${bits.ipv6}`
}

/** The IPv4 address in the last two groups of an IPv6 address. */
function ipv4Of(parts: readonly number[]): string {
  return parts
    .slice(6)
    .flatMap((part) => [part >> 8, part & 255])
    .join('.')
}
