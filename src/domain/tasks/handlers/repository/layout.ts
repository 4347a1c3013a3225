import { join, resolve } from 'node:path'
import { OutsideRoots, type Roots } from './roots.ts'

/** Where a local repository keeps its data; each path is still to be opened through the roots. */
export interface RepositoryLayout {
  /** Holds HEAD: the work tree's own, where a repository has several. */
  readonly gitDirectory: string
  /** Holds refs and configuration, which all work trees share. */
  readonly commonDirectory: string
  /** Its own objects first, then those of the repositories it borrows from. */
  readonly objectDirectories: readonly string[]
}

/** Thrown for a directory that is not a git repository. */
export class NotARepository extends Error {}

const maxObjectDirectories = 100

/**
 * Finds the parts of a repository from its work tree or git directory (gitrepository-layout(5)); never takes the
 * repository around it. @throws {NotARepository} @throws {OutsideRoots}
 */
export async function repositoryLayout(directory: string, roots: Roots): Promise<RepositoryLayout> {
  const gitDirectory = await gitDirectoryOf(directory, roots)
  const names = await roots.names(gitDirectory)
  const commonDirectory = names.includes('commondir')
    ? resolve(gitDirectory, (await roots.text(join(gitDirectory, 'commondir'))).trim())
    : gitDirectory
  const all = new Set([...names, ...(await roots.names(commonDirectory))])
  if (!['HEAD', 'objects', 'refs'].every((name) => all.has(name))) throw new NotARepository()
  return { gitDirectory, commonDirectory, objectDirectories: await objectDirectories(commonDirectory, roots) }
}

async function gitDirectoryOf(directory: string, roots: Roots): Promise<string> {
  const names = await roots.names(directory)
  if (!names.includes('.git')) return directory
  const path = join(directory, '.git')
  if (await isDirectory(path, roots)) return path
  const [, target] = /^gitdir: (.+)$/m.exec(await roots.text(path)) ?? []
  if (target === undefined) throw new NotARepository()
  return resolve(directory, target)
}

async function isDirectory(path: string, roots: Roots): Promise<boolean> {
  await using opened = await roots.open(path)
  return opened.stats.isDirectory()
}

/** Follows `info/alternates` to its end; one that leads back adds nothing. */
async function objectDirectories(commonDirectory: string, roots: Roots): Promise<string[]> {
  const found = new Set([join(commonDirectory, 'objects')])
  for (const directory of found) {
    for (const alternate of await alternatesOf(directory, roots)) found.add(alternate)
    if (found.size > maxObjectDirectories) throw new OutsideRoots(directory)
  }
  return [...found]
}

async function alternatesOf(directory: string, roots: Roots): Promise<string[]> {
  const info = join(directory, 'info')
  if (!(await roots.names(directory)).includes('info') || !(await roots.names(info)).includes('alternates')) return []
  const lines = (await roots.text(join(info, 'alternates'))).split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => resolve(directory, line))
}
