import type { Output } from '#cli/output.ts'
import { moment, printable } from '#cli/text.ts'
import type { EnvironmentCategory, EnvironmentSummaryFragment } from '#client/index.ts'

export const environmentCategories: readonly EnvironmentCategory[] = ['DEV', 'TEST', 'SNAPSHOT', 'RELEASE']

/** Everything about an environment. */
export function tellEnvironment(output: Output, environment: EnvironmentSummaryFragment, queue?: string): void {
  const { lease, assignment, expiresAt } = environment
  const text = (value: string | null) => (value === null || value === '' ? undefined : printable(value))
  output.properties([
    ['id', environment.id],
    ['name', printable(environment.name)],
    ['description', text(environment.description)],
    ['category', environment.category],
    ['repository', text(environment.repository)],
    ['org', text(environment.orgUsername)],
    ['Dev Hub', text(environment.devHubUsername)],
    ['branch', text(environment.branch)],
    ['tags', text(environment.tags.join(', '))],
    ['active', environment.isActive ? undefined : 'no'],
    ['default', environment.isDefault ? 'yes' : undefined],
    ['expires', expiresAt === null ? undefined : moment(expiresAt)],
    ['held by', lease === null ? undefined : printable(lease.holder.name)],
    ['reason', text(lease?.reason ?? null)],
    ['fence', lease === null ? undefined : String(lease.fence)],
    ['until', lease === null ? undefined : moment(lease.expiresAt)],
    [
      'set aside for',
      assignment?.isActive ? printable(`${assignment.type.toLowerCase()} ${assignment.id}`) : undefined,
    ],
    ['queue', queue],
  ])
}
