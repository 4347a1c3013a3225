import { lookup } from 'node:dns/promises'
import ipaddr from 'ipaddr.js'
import { PermanentFailure, TaskFailure } from '#domain/tasks/task-type.ts'

/**
 * The addresses of a host, each of them public or in an allowed network (CIDR).
 * @throws {PermanentFailure} when any of them is neither: a name with one inner address is a way in.
 */
export async function publicAddresses(host: string, allowed: readonly string[]): Promise<string[]> {
  const addresses = await addressesOf(host)
  for (const address of addresses)
    if (!isReachable(address, allowed))
      throw new PermanentFailure(
        `The host ${host} has the address ${address}, which tasks may not reach.`,
        'ADDRESS_REFUSED',
      )
  return addresses
}

async function addressesOf(host: string): Promise<string[]> {
  const literal = host.replace(/^\[(.*)\]$/, '$1')
  if (ipaddr.isValid(literal)) return [literal]
  try {
    return (await lookup(host, { all: true })).map((found) => found.address)
  } catch (cause) {
    throw new TaskFailure(`The host ${host} has no address.`, 'HOST_NOT_FOUND', { cause })
  }
}

function isReachable(text: string, allowed: readonly string[]): boolean {
  // Unwraps an IPv4 address that is written as IPv6 (::ffff:10.0.0.1).
  const address = ipaddr.process(text)
  return address.range() === 'unicast' || allowed.some((network) => isInside(address, network))
}

function isInside(address: ReturnType<typeof ipaddr.process>, network: string): boolean {
  const [base, bits] = ipaddr.parseCIDR(network)
  return base.kind() === address.kind() && address.match(base, bits)
}
