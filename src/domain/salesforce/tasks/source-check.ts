import { join } from 'node:path'
import { PermanentFailure, type ServerTaskContext } from '#domain/tasks/task-type.ts'
import { checkZip } from './package-zip.ts'
import type { SourceCheckInput } from './source-check-input.ts'
import { checkProject, loadConverter } from './source-project.ts'
import type { SalesforceTypeOptions } from './type-options.ts'

type Context = ServerTaskContext<SourceCheckInput>

const maxFileBytes = 1024 * 1024 * 1024
const namedProblems = 3

/** Before the attempt gives up its rights: what only the server may read. */
export async function prepare({ repositories }: SalesforceTypeOptions, context: Context): Promise<void> {
  await repositories.prepare(context, context.input.repository)
  await loadConverter()
}

/** Checks a project; its components, manifest and problems are parts. @throws {PermanentFailure} when there are problems */
export async function checkSource({ repositories }: SalesforceTypeOptions, context: Context): Promise<unknown> {
  const path = join(context.workspace, 'project.zip')
  context.step('fetch')
  const commit = await repositories.write(context, context.input.repository, { path, maxBytes: maxFileBytes })
  await checkZip(path)
  context.step('check')
  const { manifest, components, problems } = await checkProject(context, path)
  await context.part('package.xml', manifest, 'application/xml')
  await context.part('components.json', components)
  await context.part('problems.json', problems)
  if (problems.length > 0) throw problemsFound(problems)
  const types: Record<string, number> = {}
  for (const { type } of components) types[type] = (types[type] ?? 0) + 1
  return { commit, components: components.length, types, parts: ['package.xml', 'components.json', 'problems.json'] }
}

function problemsFound(
  problems: readonly { file: string | null; line: number | null; message: string }[],
): PermanentFailure {
  const named = problems.slice(0, namedProblems).map(({ file, line, message }) => {
    const where = file === null ? '' : `${file}${line === null ? '' : `:${line}`}: `
    return `${where}${message}`
  })
  const more = problems.length > namedProblems ? ` And ${problems.length - namedProblems} more.` : ''
  return new PermanentFailure(`The project has problems: ${named.join(' ')}${more}`, 'SOURCE_INVALID')
}
