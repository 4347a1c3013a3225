import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PermanentFailure, type ServerTaskContext } from '#domain/tasks/task-type.ts'
import { ask } from './ask.ts'
import type { PackageInput } from './package-input.ts'
import { checkZip, type ZipFacts } from './package-zip.ts'
import { convertProject } from './source-project.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

/** A package that Salesforce may be given. */
export interface MetadataPackage extends ZipFacts {
  readonly zip: Buffer
  /** Whether its manifest is at the top; else it holds packages in directories of their own. */
  readonly isSingle: boolean
  /** Of a repository. */
  readonly commit?: string
}

/** A zip file can't be larger than this before it is looked at. */
const maxFileBytes = 1024 * 1024 * 1024
const projectFile = 'sfdx-project.json'

/** Fetches a package, and checks all of it. @throws {PermanentFailure} */
export async function loadPackage(
  { repositories }: SalesforceTypeOptions,
  context: ServerTaskContext<PackageInput>,
): Promise<MetadataPackage> {
  const { part, zipBase64, repository } = context.input
  const path = join(context.workspace, 'package.zip')
  context.step('package')
  if (zipBase64 !== undefined) await writeFile(path, Buffer.from(zipBase64, 'base64'))
  if (part !== undefined) await downloadPart(context, part, path)
  const target = { path, maxBytes: maxFileBytes }
  const commit = repository && (await repositories.write(context, repository, target))
  const facts = await checkZip(path)
  const isProject = commit !== undefined && facts.names.includes(projectFile)
  const checked = isProject ? await checkZip(await convertProject(context, path)) : facts
  const isSingle = checked.names.includes('package.xml')
  if (!isSingle && !checked.names.some((name) => /^[^/]+\/package\.xml$/.test(name)))
    throw new PermanentFailure(
      `The package has no package.xml${commit === undefined ? '' : ` and no ${projectFile}`}.`,
      'NO_MANIFEST',
    )
  const { files, zipBytes, unzippedBytes } = checked
  context.log(`${files} files, ${zipBytes} bytes, unpacked ${unzippedBytes} bytes`)
  const zip = await readFile(isProject ? convertedPath(context.workspace) : path)
  return { ...checked, zip, isSingle, ...(commit !== undefined && { commit }) }
}

/** Where a project's converted package is. */
function convertedPath(workspace: string): string {
  return join(workspace, 'converted.zip')
}

async function downloadPart(
  context: ServerTaskContext<PackageInput>,
  part: NonNullable<PackageInput['part']>,
  path: string,
): Promise<void> {
  await using file = await open(path, 'w')
  for (let from = 0; ; ) {
    const piece = await ask(context, { kind: 'part', ...part, from })
    if (piece === null)
      throw new PermanentFailure(
        `The ${part.taskType} task ${part.taskId} has no part "${part.name}".`,
        'PART_NOT_FOUND',
      )
    await file.write(piece.bytes)
    from += piece.bytes.length
    if (piece.bytes.length === 0 || from >= piece.sizeBytes) return
  }
}
