import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '#platform/telemetry/log.ts'
import { isTagOf } from './process-tag.ts'
import { killTagged, killUsers, runningUsers } from './process-tree.ts'
import { installationOf, isServerGone } from './server-id.ts'
import { killUser, ownerOf, type TaskUser } from './task-user.ts'
import { removeWorkspace } from './workspace.ts'

export interface SweepOptions {
  readonly workspacesDir: string
  readonly serverId: string
  readonly taskUser: TaskUser
  readonly log: Logger
}

/**
 * Ends what servers of this installation that are gone have left: processes of their attempts, and their workspaces.
 * Touches nothing of another installation, of a living server, or of one whose fate can't be known from here.
 */
export async function sweep({ workspacesDir, serverId, taskUser, log }: SweepOptions): Promise<void> {
  const isGone = (id: string) => installationOf(id) === installationOf(serverId) && isServerGone(id)
  const gone = (await directoriesIn(workspacesDir)).filter(isGone)
  const tagged = gone.length === 0 || (await killTagged((tag) => gone.some((id) => isTagOf(id, tag))))
  const orphaned = taskUser.kind !== 'own' || (await killOrphans())
  if (!tagged || !orphaned) log.warn('processes of an earlier server of this installation could not be killed')
  for (const name of gone) {
    await removeWorkspace(join(workspacesDir, name))
    log.info({ server: name }, 'removed the workspaces of an earlier server')
  }
}

/** Ends what runs as an attempt's own user while that attempt's first process is gone, whatever became of the tags. */
async function killOrphans(): Promise<boolean> {
  const running = await runningUsers()
  const orphans = [...running.keys()].filter((uid) => {
    const owner = ownerOf(uid)
    return owner !== undefined && !running.get(uid)?.includes(owner)
  })
  await Promise.all(orphans.map(killUser))
  return orphans.length === 0 || killUsers((uid) => orphans.includes(uid))
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
