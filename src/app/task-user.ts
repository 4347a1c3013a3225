import { dirname } from 'node:path'
import { chooseTaskUser, representative, type TaskUser } from '#domain/tasks/runner/task-user.ts'
import { StartupError } from '#lib/errors.ts'
import { locateCluster } from '#platform/embedded/location.ts'
import { sharedPlaces } from '#platform/system/shared-place.ts'
import { findBarrier } from '#platform/system/system-user.ts'
import type { Config } from '#src/config.ts'
import type { ProjectConfig } from '#src/project/project-config.ts'

/** As whom tasks run, and what the operator should know about that. @throws {StartupError} when TASK_USER can't be. */
export async function findTaskUser(
  { taskUser: setting }: Config,
  project: ProjectConfig,
): Promise<{ readonly taskUser: TaskUser; readonly warnings: readonly string[] }> {
  const { taskUser, warning } = await chooseTaskUser(setting)
  const barrier = await projectBarrier(project, taskUser)
  return { taskUser, warnings: [warning, barrier].filter((text) => text !== undefined) }
}

/** @throws {StartupError} when tasks would run as the user whom the files of the embedded database belong to. */
export async function mustNotOwnDatabase({ databaseUrl, dataDir }: Config, taskUser: TaskUser): Promise<void> {
  if (databaseUrl !== undefined || taskUser.kind !== 'shared') return
  const { user } = await locateCluster(dataDir, sharedPlaces)
  if (user?.uid === taskUser.user.uid)
    throw new StartupError(
      'TASK_USER: the embedded database runs as this user, so that tasks could read its files. Choose another one.',
    )
}

/** What keeps the project's own tasks from its files, as a sentence; built-in ones need none of them. */
export async function projectBarrier(
  { file, commands, taskTypes }: ProjectConfig,
  taskUser: TaskUser,
): Promise<string | undefined> {
  const user = representative(taskUser)
  if (user === undefined || file === undefined || taskTypes.length + Object.keys(commands).length === 0)
    return undefined
  const barrier = await findBarrier(dirname(file), user)
  if (barrier === undefined) return undefined
  return (
    `Tasks run as other users than the server, and these can't reach ${dirname(file)}, since ${barrier} is closed to ` +
    `them. Tasks that read files there fail: run chmod o+x ${barrier}, or set TASK_USER.`
  )
}
