import { PermanentFailure, TaskFailure } from '#domain/tasks/task-type.ts'
import { createEgressRule, EgressRefused } from '#platform/http/egress.ts'
import { reachableAddresses } from '#platform/http/guarded-connector.ts'

/**
 * The addresses of a host, each of them public or in an allowed network (CIDR).
 * @throws {PermanentFailure} when any of them is neither: a name with one inner address is a way in.
 */
export async function publicAddresses(host: string, allowed: readonly string[]): Promise<string[]> {
  try {
    return await reachableAddresses(host, createEgressRule(allowed))
  } catch (cause) {
    if (cause instanceof EgressRefused) throw new PermanentFailure(cause.message, 'ADDRESS_REFUSED', { cause })
    throw new TaskFailure(`The host ${host} has no address.`, 'HOST_NOT_FOUND', { cause })
  }
}
