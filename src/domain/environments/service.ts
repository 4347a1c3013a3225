import { createAssignments } from './assignments.ts'
import { createEnvironmentChanges } from './changes.ts'
import type { EnvironmentDeps } from './deps.ts'
import { createEnvironmentCommands } from './environment-commands.ts'
import { createEnvironmentReads } from './environment-reads.ts'
import { createLeases } from './leases.ts'

/** Everything that can be done with environments; the only way in for callers. */
export type EnvironmentService = ReturnType<typeof createEnvironmentService>

export function createEnvironmentService(deps: EnvironmentDeps) {
  const reads = createEnvironmentReads(deps)
  return {
    ...reads,
    ...createEnvironmentCommands(deps, reads),
    ...createLeases(deps, reads),
    ...createAssignments(deps, reads),
    ...createEnvironmentChanges(deps, reads),
  }
}
