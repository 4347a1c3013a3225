import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Worker } from 'node:worker_threads'
import { openPromise } from 'yauzl'
import { PermanentFailure, type TaskContext } from '#domain/tasks/task-type.ts'

/** What the thread is to do with a project. */
export type SourceTask =
  | { readonly kind: 'check'; readonly directory: string }
  | {
      readonly kind: 'convert'
      readonly directory: string
      readonly to: { readonly directory: string; readonly name: string }
    }

export interface SourceProblem {
  readonly kind: 'MISSING_PACKAGE_DIRECTORY' | 'MALFORMED_XML' | 'DUPLICATE' | 'UNRESOLVED'
  readonly file: string | null
  readonly line: number | null
  readonly message: string
}

export interface SourceReport {
  readonly manifest: string
  readonly components: readonly { readonly type: string; readonly name: string; readonly file: string }[]
  readonly problems: readonly SourceProblem[]
}

export type SourceAnswer =
  | { readonly kind: 'ready' | 'missing' }
  | { readonly kind: 'converted'; readonly components: number }
  | { readonly kind: 'checked'; readonly report: SourceReport }
  | { readonly kind: 'failed'; readonly message: string; readonly isRefusal: boolean }

/** The library keeps all of a project in memory. */
const maxMemoryMb = 1_024
const packageName = '@salesforce/source-deploy-retrieve'

let thread: Promise<Worker | undefined> | undefined

/** Loads the library that knows the source format, in a thread of its own; to be called before rights are given up. */
export async function loadConverter(): Promise<void> {
  await startThread()
}

function startThread(): Promise<Worker | undefined> {
  thread ??= new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./source-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb },
    })
    worker.unref()
    worker.once('error', reject)
    worker.once('message', ({ kind }: SourceAnswer) => {
      worker.off('error', reject)
      if (kind === 'missing') void worker.terminate()
      resolve(kind === 'ready' ? worker : undefined)
    })
  })
  return thread
}

/** Has the library do something. @throws {PermanentFailure} also when it is not installed */
async function run(task: SourceTask): Promise<SourceAnswer> {
  const worker = await startThread()
  if (worker === undefined)
    throw new PermanentFailure(
      `Projects in source format need the package ${packageName}: run npm install ${packageName} where Signalbox is installed.`,
      'PACKAGE_MISSING',
    )
  worker.ref()
  try {
    const answer = await new Promise<SourceAnswer>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.postMessage(task)
    })
    if (answer.kind === 'failed')
      throw new PermanentFailure(answer.message, answer.isRefusal ? 'NOT_A_PROJECT' : 'CONVERSION_FAILED')
    return answer
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') throw error
    const message = `The project needs more than ${maxMemoryMb} MB of memory.`
    throw new PermanentFailure(message, 'PROJECT_TOO_LARGE', { cause: error })
  } finally {
    await worker.terminate()
  }
}

/** Converts an SFDX project, as a zip file that was checked, into the form that is deployed; returns that zip file's path. */
export async function convertProject({ workspace, step, log }: TaskContext, zipPath: string): Promise<string> {
  step('conversion')
  const directory = join(workspace, 'project')
  await unzip(zipPath, directory)
  const to = { directory: workspace, name: 'converted' }
  const answer = await run({ kind: 'convert', directory, to })
  if (answer.kind === 'converted') log(`converted ${answer.components} components`)
  return join(workspace, 'converted.zip')
}

/** What is in an SFDX project, as a zip file that was checked. @throws {PermanentFailure} */
export async function checkProject({ workspace }: TaskContext, zipPath: string): Promise<SourceReport> {
  const directory = join(workspace, 'project')
  await unzip(zipPath, directory)
  const answer = await run({ kind: 'check', directory })
  if (answer.kind !== 'checked') throw new Error('The thread answered something else.')
  return answer.report
}

async function unzip(path: string, to: string): Promise<void> {
  const zip = await openPromise(path, { autoClose: false })
  try {
    for await (const entry of zip.eachEntry()) {
      const target = join(to, entry.fileName)
      if (entry.fileName.endsWith('/')) {
        await mkdir(target, { recursive: true })
        continue
      }
      await mkdir(dirname(target), { recursive: true })
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target, { flags: 'wx' }))
    }
  } finally {
    zip.close()
  }
}
