import { CommandFailure } from '#cli/exit-codes.ts'
import { parseValue } from '#cli/input.ts'
import type { Output, Style } from '#cli/output.ts'
import { moment, printable } from '#cli/text.ts'
import type { SalesforceOrgDetailsFragment, SalesforceOrgState } from '#client/index.ts'

export const orgStyles: Readonly<Record<SalesforceOrgState, Style>> = {
  ACTIVE: 'green',
  NEEDS_REAUTHORIZATION: 'red',
  BLOCKED: 'red',
  LOCKED: 'red',
  MAINTENANCE: 'yellow',
}

/** Everything about an org. */
export function tellOrg(output: Output, org: SalesforceOrgDetailsFragment): void {
  const metadata = Object.entries(org.metadata as Record<string, unknown>)
  output.properties([
    ['id', org.id],
    ['username', printable(org.username)],
    ['state', output.styled(orgStyles[org.state], org.state)],
    ['message', org.stateMessage === null ? undefined : printable(org.stateMessage)],
    ['kind', [org.kind, ...(org.isDevHub ? ['Dev Hub'] : [])].join(', ')],
    ['default', org.isDefault ? 'yes' : undefined],
    ['organization', `${printable(org.name)} (${org.orgId}, ${printable(org.edition)})`],
    ['instance', `${printable(org.instanceUrl)} (${printable(org.instanceName)})`],
    ['production', org.parentUsername === null ? undefined : printable(org.parentUsername)],
    ['authorized by', org.method],
    ['metadata', metadata.map(([name, value]) => printable(`${name}=${String(value)}`)).join('\n')],
    ['last token', moment(org.refreshedAt)],
    ['expires', org.expiresAt === null ? undefined : moment(org.expiresAt)],
    ['registered', `${moment(org.createdAt)} by ${printable(org.createdBy.name)}`],
  ])
}

/** `name=value` texts as metadata; undefined when there are none. Numbers, true and false are taken as such. */
export function readMetadata(texts: readonly string[] | undefined): Record<string, unknown> | undefined {
  return texts && Object.fromEntries(texts.map(readMember))
}

function readMember(text: string): readonly [name: string, value: unknown] {
  const at = text.indexOf('=')
  if (at < 1) throw new CommandFailure(`--metadata takes name=value, not "${printable(text)}".`)
  return [text.slice(0, at), parseValue(text.slice(at + 1))]
}
