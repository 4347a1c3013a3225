import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import { type CompositeKey, compositeKey } from '#lib/composite-key.ts'
import type { SourceAnswer, SourceProblem, SourceReport, SourceTask } from './source-project.ts'

type Library = typeof import('@salesforce/source-deploy-retrieve')

const projectForm = z.looseObject({
  packageDirectories: z.array(z.looseObject({ path: z.string().min(1) })).min(1),
  sourceApiVersion: z
    .string()
    .regex(/^\d+\.\d$/)
    .optional(),
})
type Project = z.output<typeof projectForm>

const maxProblems = 1_000
const maxXmlBytes = 50 * 1024 * 1024

/** A project that is none; its message is for people. */
class NotAProject extends Error {}

async function readProject(directory: string): Promise<Project> {
  const text = await readFile(join(directory, 'sfdx-project.json'), 'utf8').catch(() => {
    throw new NotAProject('There is no sfdx-project.json.')
  })
  try {
    return projectForm.parse(JSON.parse(text))
  } catch (cause) {
    throw new NotAProject('The sfdx-project.json has not the form that Salesforce documents.', { cause })
  }
}

/** The package directories that there are, and problems about the others. */
async function packageDirectories(
  directory: string,
  project: Project,
): Promise<{ paths: string[]; problems: SourceProblem[] }> {
  const paths: string[] = []
  const problems: SourceProblem[] = []
  for (const { path } of project.packageDirectories) {
    const absolute = resolve(directory, path)
    const isInside = absolute === directory || absolute.startsWith(directory + sep)
    const isDirectory =
      isInside &&
      (await stat(absolute).then(
        (found) => found.isDirectory(),
        () => false,
      ))
    if (isDirectory) paths.push(absolute)
    else
      problems.push({
        kind: 'MISSING_PACKAGE_DIRECTORY',
        file: path,
        line: null,
        message: `The package directory ${path} does not exist.`,
      })
  }
  return { paths, problems }
}

async function convert(
  { MetadataConverter, ComponentSet }: Library,
  directory: string,
  to: { directory: string; name: string },
): Promise<number> {
  const project = await readProject(directory)
  const { paths, problems } = await packageDirectories(directory, project)
  if (problems[0] !== undefined) throw new NotAProject(problems[0].message)
  const components = ComponentSet.fromSource(paths)
  if (project.sourceApiVersion !== undefined) components.sourceApiVersion = project.sourceApiVersion
  if (components.size === 0) throw new NotAProject('The package directories hold no metadata.')
  await new MetadataConverter().convert(components, 'metadata', {
    type: 'zip',
    outputDirectory: to.directory,
    packageName: to.name,
    genUniqueDir: false,
  })
  return components.size
}

async function check({ MetadataResolver, ComponentSet }: Library, directory: string): Promise<SourceReport> {
  const project = await readProject(directory)
  const { paths, problems } = await packageDirectories(directory, project)
  const places = new Map<CompositeKey, { readonly name: string; readonly files: Set<string> }>()
  const all = new ComponentSet()
  for (const path of paths) {
    problems.push(...(await malformed(directory, path)))
    for (const component of resolved(
      () => new MetadataResolver().getComponentsFromPath(path),
      problems,
      relative(directory, path),
    )) {
      all.add(component)
      // Objects may be spread over directories, field by field.
      if (component.type.children !== undefined) continue
      const key = compositeKey(component.type.name, component.fullName)
      const place = relative(directory, component.xml ?? component.content ?? path)
      const known = places.get(key) ?? { name: `${component.type.name} ${component.fullName}`, files: new Set() }
      places.set(key, known)
      known.files.add(place)
    }
  }
  for (const { name, files } of places.values()) {
    const [file = null] = files
    if (files.size > 1)
      problems.push({ kind: 'DUPLICATE', file, line: null, message: `${name} is in ${[...files].join(', ')}.` })
  }
  if (project.sourceApiVersion !== undefined) all.sourceApiVersion = project.sourceApiVersion
  const components = [...all.getSourceComponents()].map(({ type, fullName, xml, content }) => ({
    type: type.name,
    name: fullName,
    file: relative(directory, xml ?? content ?? ''),
  }))
  return { manifest: await all.getPackageXml(), components, problems: problems.slice(0, maxProblems) }
}

function resolved<T>(resolve: () => T[], problems: SourceProblem[], file: string): T[] {
  try {
    return resolve()
  } catch (error) {
    problems.push({ kind: 'UNRESOLVED', file, line: null, message: (error as Error).message })
    return []
  }
}

/** Metadata files that are no well-formed XML. */
async function malformed(root: string, path: string): Promise<SourceProblem[]> {
  const problems: SourceProblem[] = []
  for (const entry of await readdir(path, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || !entry.name.endsWith('-meta.xml')) continue
    const full = join(entry.parentPath, entry.name)
    const file = relative(root, full)
    const { size } = await stat(full)
    if (size > maxXmlBytes) {
      problems.push({
        kind: 'MALFORMED_XML',
        file,
        line: null,
        message: `The file has ${size} bytes; at most ${maxXmlBytes} are read.`,
      })
      continue
    }
    const verdict = XMLValidator.validate(await readFile(full, 'utf8'))
    if (verdict !== true)
      problems.push({ kind: 'MALFORMED_XML', file, line: verdict.err.line, message: verdict.err.msg })
  }
  return problems
}

function answer(message: SourceAnswer): void {
  parentPort?.postMessage(message)
}

async function load(): Promise<Library | undefined> {
  // The library's logger would write into the home directory.
  process.env['SF_DISABLE_LOG_FILE'] = 'true'
  process.env['SFDX_DISABLE_LOG_FILE'] = 'true'
  try {
    return await import('@salesforce/source-deploy-retrieve')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    return undefined
  }
}

const library = await load()
answer({ kind: library === undefined ? 'missing' : 'ready' })
parentPort?.once('message', async (task: SourceTask) => {
  if (library === undefined) return
  try {
    if (task.kind === 'convert')
      answer({ kind: 'converted', components: await convert(library, task.directory, task.to) })
    else answer({ kind: 'checked', report: await check(library, task.directory) })
  } catch (error) {
    answer({ kind: 'failed', message: (error as Error).message, isRefusal: error instanceof NotAProject })
  }
})
