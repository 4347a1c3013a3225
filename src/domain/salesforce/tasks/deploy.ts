import { setTimeout as sleep } from 'node:timers/promises'
import { SalesforceFailure } from '#domain/salesforce/errors.ts'
import { PermanentFailure, type ServerTaskContext } from '#domain/tasks/task-type.ts'
import { newId } from '#lib/ids.ts'
import { ask } from './ask.ts'
import { type AttemptOrg, readCertificates, withOrg } from './attempt-org.ts'
import type { DeployInput } from './deploy-input.ts'
import {
  type DeployAnswer,
  type DeployResult,
  deployAnswer,
  mustHaveSucceeded,
  reportOf,
  writeParts,
} from './deploy-result.ts'
import { loadPackage, type MetadataPackage } from './package-file.ts'
import { poll } from './poll.ts'
import { loadConverter } from './source-project.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

type Context = ServerTaskContext<DeployInput>
interface Kind {
  readonly isValidation: boolean
}

const path = '/metadata/deployRequest'
const uploadTimeoutMs = 10 * 60 * 1000
const quickDeployMs = 10 * 24 * 60 * 60 * 1000
/** For how long a cancelled deployment is waited for, in milliseconds, and how often it is looked at. */
const cancelMs = 45_000
const cancelLookMs = 1_000
const cancelCallMs = 10_000
/** Reasons to stop after which another attempt goes on with the deployment. */
const leaves: readonly (string | null)[] = ['released', 'lost', 'expired']

/** Before the attempt gives up its rights: what only the server may read. */
export async function prepare({ repositories }: SalesforceTypeOptions, context: Context): Promise<void> {
  readCertificates()
  if (context.input.repository === undefined) return
  await repositories.prepare(context, context.input.repository)
  await loadConverter()
}

/**
 * Validates or deploys, and watches until it has ended. An attempt goes on with what an earlier one of the task has started.
 * @throws {TaskFailure}
 */
export async function deploy(options: SalesforceTypeOptions, context: Context, kind: Kind): Promise<unknown> {
  const earlier = await ask(context, { kind: 'ownDeployment' })
  const isUnderWay = earlier !== null && earlier.status === null
  const isQuick = context.input.validation !== undefined
  const loaded = isUnderWay || isQuick ? undefined : await loadPackage(options, context)
  return withOrg(options, context, async (org) => {
    const deployId = isUnderWay ? earlier.deployId : await start(context, org, kind, loaded)
    context.log(
      `${isUnderWay ? 'watching' : 'started'} ${kind.isValidation ? 'validation' : 'deployment'} ${deployId} in ${org.username}`,
    )
    const result = await watch(context, org, deployId)
    await ask(context, { kind: 'deploymentEnded', report: reportOf(result) })
    const parts = await writeParts(context, result)
    mustHaveSucceeded(result)
    const { deployId: _, ...report } = reportOf(result)
    return { username: org.username, deployId, ...report, ...(loaded?.commit && { commit: loaded.commit }), parts }
  })
}

/** Starts it, and notes that at once. Returns Salesforce's id of it. */
async function start(
  context: Context,
  org: AttemptOrg,
  { isValidation }: Kind,
  loaded: MetadataPackage | undefined,
): Promise<string> {
  context.signal.throwIfAborted()
  context.step('upload')
  const { id } = deployAnswer.parse(
    loaded === undefined ? await quickDeploy(context, org) : await upload(context.input, org, loaded, isValidation),
  )
  await ask(context, { kind: 'deploymentStarted', orgId: org.id, deployId: id, isValidation })
  return id
}

function upload(
  input: DeployInput,
  org: AttemptOrg,
  { zip, isSingle }: MetadataPackage,
  checkOnly: boolean,
): Promise<unknown> {
  const { testLevel, runTests, ignoreWarnings, allowMissingFiles, purgeOnDelete, rollbackOnError = true } = input
  const deployOptions = {
    allowMissingFiles,
    autoUpdatePackage: false,
    checkOnly,
    ignoreWarnings,
    performRetrieve: false,
    purgeOnDelete,
    rollbackOnError,
    runTests,
    singlePackage: isSingle,
    ...(testLevel !== undefined && { testLevel }),
  }
  const { body, contentType } = multipart(JSON.stringify({ deployOptions }), zip)
  const headers = { 'content-type': contentType }
  return org.json({ method: 'POST', path, headers, body, timeoutMs: uploadTimeoutMs })
}

function multipart(json: string, zip: Buffer): { body: Buffer; contentType: string } {
  const boundary = `signalbox-${newId()}`
  const head =
    `--${boundary}\r\nContent-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n${json}\r\n` +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="package.zip"\r\nContent-Type: application/zip\r\n\r\n`
  const body = Buffer.concat([Buffer.from(head), zip, Buffer.from(`\r\n--${boundary}--\r\n`)])
  return { body, contentType: `multipart/form-data; boundary=${boundary}` }
}

/** Deploys what another task has validated. @throws {PermanentFailure} */
async function quickDeploy(context: Context, org: AttemptOrg): Promise<unknown> {
  const taskId = context.input.validation ?? ''
  const validated = await ask(context, { kind: 'deploymentOf', taskId })
  if (validated === null || !validated.isValidation || !validated.status?.startsWith('Succeeded'))
    throw refused(`The task ${taskId} is not a validation that has succeeded.`)
  if (validated.orgId !== org.id) throw refused(`The task ${taskId} has validated in another org than ${org.username}.`)
  if (Date.now() - new Date(validated.startedAt).getTime() > quickDeployMs)
    throw refused(`The validation ${taskId} is more than ten days old.`)
  return org.json({ method: 'POST', path, body: { validatedDeployRequestId: validated.deployId } })
}

function refused(message: string): PermanentFailure {
  return new PermanentFailure(message, 'NOT_VALIDATED')
}

/** Waits until it has ended, and returns how, with all details. Stopping the attempt cancels it, unless another follows. */
async function watch(context: Context, org: AttemptOrg, deployId: string): Promise<DeployResult> {
  let seen = ''
  try {
    await poll(org, context.signal, async () => {
      const { deployResult } = await look(org, deployId)
      seen = tell(context, deployResult, seen)
      return deployResult.done || undefined
    })
    return (await look(org, deployId, { includeDetails: true })).deployResult
  } catch (error) {
    if (context.signal.aborted) await cancel(context, org, deployId)
    throw error
  }
}

async function look(
  org: AttemptOrg,
  deployId: string,
  { includeDetails = false, ...limits }: { includeDetails?: boolean; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<DeployAnswer> {
  const query = includeDetails ? '?includeDetails=true' : ''
  return deployAnswer.parse(await org.json({ method: 'GET', path: `${path}/${deployId}${query}`, ...limits }))
}

/** Shows how far it is; returns what was logged last. */
function tell(context: Context, result: DeployResult, seen: string): string {
  const {
    numberComponentsDeployed: components,
    numberComponentsTotal,
    numberTestsCompleted: tests,
    numberTestsTotal,
  } = result
  const total = numberComponentsTotal + numberTestsTotal
  const isTesting = tests > 0 || (numberTestsTotal > 0 && components === numberComponentsTotal)
  const step = result.status === 'Pending' ? 'queued in the org' : isTesting ? 'tests' : 'components'
  if (total === 0) context.step(step)
  else context.progress(((components + tests) / total) * 100, step)
  const line = `${result.status}: ${components}/${numberComponentsTotal} components, ${tests}/${numberTestsTotal} tests${
    result.stateDetail ? `, ${result.stateDetail}` : ''
  }`
  if (line !== seen) context.log(line)
  return line
}

/** Has Salesforce stop, and waits for a while until it has. */
async function cancel(context: Context, org: AttemptOrg, deployId: string): Promise<void> {
  if (leaves.includes(await ask(context, { kind: 'stopReason' }))) return
  context.step('cancelling in the org')
  const soon = () => ({ timeoutMs: cancelCallMs, signal: AbortSignal.timeout(cancelCallMs) })
  const endsAt = performance.now() + cancelMs
  try {
    const body = { deployResult: { status: 'Canceling' } }
    await org.json({ method: 'PATCH', path: `${path}/${deployId}`, body, ...soon() })
    while (performance.now() < endsAt) {
      const { deployResult } = await look(org, deployId, soon())
      if (deployResult.done)
        return void (await ask(context, { kind: 'deploymentEnded', report: reportOf(deployResult) }))
      await sleep(cancelLookMs)
    }
    context.log(`Salesforce is still cancelling ${deployId}.`)
  } catch (error) {
    if (!(error instanceof SalesforceFailure)) throw error
    context.log(`The deployment ${deployId} could not be cancelled: ${error.message}`)
  }
}
