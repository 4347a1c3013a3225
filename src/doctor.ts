import { examineConfiguration } from '#src/doctor/configuration.ts'
import { examineDatabase } from '#src/doctor/database.ts'
import { type EmbeddedState, examineEmbedded, readEmbeddedState } from '#src/doctor/embedded.ts'
import { check, type Finding } from '#src/doctor/finding.ts'
import {
  examineConfigFile,
  examineCpu,
  examineDataDir,
  examineDisk,
  examineGit,
  examineNode,
  examinePersistedOperations,
  examineTaskUser,
} from '#src/doctor/machine.ts'
import { examinePort } from '#src/doctor/port.ts'
import type { Config } from './config.ts'

/**
 * What is wrong with the installation in the working directory, in sentences. It changes nothing, may run beside the
 * server, and takes a few seconds for each check at most.
 */
export async function examine({ configFile }: { configFile: string | undefined }): Promise<Finding[]> {
  const { config, findings } = examineConfiguration(process.env, configFile)
  const node = check('Node.js', examineNode)
  const git = check('git', examineGit)
  if (config === undefined) return [...findings, await node, await git]
  const file = check('task types', () => examineConfigFile(config))
  const persisted =
    config.persistedOperations === undefined
      ? []
      : [await check('persisted operations', () => examinePersistedOperations(config))]
  const user = check('task user', () => examineTaskUser(config))
  const cpu = config.roles.worker ? [await check('CPU', examineCpu)] : []
  const dataDir = check('data directory', () => examineDataDir(config))
  return [
    ...findings,
    await node,
    await git,
    await file,
    ...persisted,
    await user,
    ...cpu,
    await dataDir,
    ...(await examineServer(config)),
  ]
}

async function examineServer(config: Config): Promise<Finding[]> {
  const { dataDir, databaseUrl } = config
  if (databaseUrl !== undefined) {
    const database = await examineDatabase(databaseUrl, config)
    return [await check('disk', () => examineDisk([dataDir])), ...database, await examineServing(config, undefined)]
  }
  let state: EmbeddedState | undefined
  const embedded = await check('embedded database', async () => {
    state = await readEmbeddedState(dataDir)
    return examineEmbedded(state)
  })
  const disk = await check('disk', () => examineDisk([dataDir, ...(state?.clusterDir ? [state.clusterDir] : [])]))
  const database = state?.url === undefined ? [] : await examineDatabase(state.url, config)
  return [disk, embedded, ...database, await examineServing(config, state && state.holder !== undefined)]
}

function examineServing(config: Config, isServing: boolean | undefined): Promise<Finding> {
  return check('port', () => examinePort(config, isServing))
}
