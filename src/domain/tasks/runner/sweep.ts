import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '#platform/telemetry/log.ts'
import { killMarked } from './process-tree.ts'
import { markerServerId } from './run-marker.ts'
import { installationOf, isServerGone } from './server-id.ts'
import { removeWorkspace } from './workspace.ts'

export interface SweepOptions {
  readonly workspacesDir: string
  readonly serverId: string
  readonly log: Logger
}

/**
 * Ends what servers of this installation that are gone have left: processes with their marker, and their workspaces.
 * Touches nothing of another installation, of a living server, or of one that it cannot tell about.
 */
export async function sweep({ workspacesDir, serverId, log }: SweepOptions): Promise<void> {
  const isGone = (id: string) => installationOf(id) === installationOf(serverId) && isServerGone(id)
  if (!(await killMarked((marker) => isGone(markerServerId(marker)))))
    log.warn('processes of an earlier server of this installation resist being killed')
  for (const name of await directoriesIn(workspacesDir)) {
    if (!isGone(name)) continue
    await removeWorkspace(join(workspacesDir, name))
    log.info({ server: name }, 'removed the workspaces of an earlier server')
  }
}

async function directoriesIn(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
