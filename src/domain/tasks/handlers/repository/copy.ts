import { link, lstat, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RepositoryLayout } from './layout.ts'
import { OutsideRoots, type RootedFile, type Roots } from './roots.ts'

/** What the source's configuration is called in the copy, where git does not look for it. */
export const sourceConfigName = 'source-config'

const looseDirectory = /^[0-9a-f]{2}$/
const looseObject = /^([0-9a-f]{38}|[0-9a-f]{62})$/
const packFile = /\.(pack|idx)$/
const filesAtOnce = 16
const maxRounds = 5

/**
 * Copies HEAD, refs and objects of a repository, and nothing that git would obey or follow: no hooks, no references to
 * other repositories, and the configuration under another name. Objects are hard links where the file system permits.
 * Refs come first, then loose objects, then packs, so that the objects of every ref are there even if somebody writes or
 * repacks at the same time. @throws {OutsideRoots} when any of it lies outside of the roots.
 */
export async function copyRepository(
  { gitDirectory, commonDirectory, objectDirectories }: RepositoryLayout,
  roots: Roots,
  to: string,
  onProgress: (fraction: number) => void,
): Promise<void> {
  await mkdir(join(to, 'objects/pack'), { recursive: true })
  await roots.copy(join(gitDirectory, 'HEAD'), join(to, 'HEAD'))
  await copyTree(roots, join(commonDirectory, 'refs'), join(to, 'refs'))
  const names = await roots.names(commonDirectory)
  if (names.includes('reftable')) await copyTree(roots, join(commonDirectory, 'reftable'), join(to, 'reftable'))
  for (const name of ['packed-refs', 'shallow', 'config'].filter((name) => names.includes(name)))
    await roots.copy(join(commonDirectory, name), join(to, name === 'config' ? sourceConfigName : name))
  for (const [index, directory] of objectDirectories.entries()) {
    await copyObjects(roots, directory, join(to, 'objects'))
    onProgress((index + 1) / objectDirectories.length)
  }
}

async function copyTree(roots: Roots, from: string, to: string, seen = new Set<string>()): Promise<void> {
  await using opened = await roots.open(from)
  if (!opened.stats.isDirectory()) return roots.copy(from, to)
  // A link to a directory above would go on for ever.
  if (seen.has(opened.realPath)) return
  seen.add(opened.realPath)
  await mkdir(to, { recursive: true })
  for (const name of await roots.names(from)) await copyTree(roots, join(from, name), join(to, name), seen)
}

async function copyObjects(roots: Roots, from: string, to: string): Promise<void> {
  const names = await roots.names(from)
  for (const name of names.filter((name) => looseDirectory.test(name)))
    await copyMatching(roots, join(from, name), join(to, name), looseObject)
  if (names.includes('pack')) await copyMatching(roots, join(from, 'pack'), join(to, 'pack'), packFile)
}

/** Looks again until a look finds nothing new, since what is gone by then has been packed, or is in a larger pack. */
async function copyMatching(roots: Roots, from: string, to: string, pattern: RegExp): Promise<void> {
  await mkdir(to, { recursive: true })
  await using directory = await roots.open(from)
  const seen = new Set<string>()
  for (let round = 0; round < maxRounds; round += 1) {
    const names = (await roots.names(from)).filter((name) => pattern.test(name) && !seen.has(name))
    for (let at = 0; at < names.length; at += filesAtOnce)
      await Promise.all(names.slice(at, at + filesAtOnce).map((name) => copyObject(roots, directory, name, to)))
    for (const name of names) seen.add(name)
    if (names.length === 0) return
  }
}

async function copyObject(roots: Roots, from: RootedFile, name: string, to: string): Promise<void> {
  const path = join(from.realPath, name)
  try {
    if (!(await linkFile(join(from.path, name), join(to, name)))) await roots.copy(path, join(to, name))
  } catch (error) {
    const isGone = error instanceof OutsideRoots && !(await roots.names(from.realPath)).includes(name)
    if (!isGone) throw error
  }
}

/** False where it has to be copied: on another file system, behind a symbolic link, or when not everybody may read it. */
async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    // link(2) does not follow a symbolic link: whatever it makes is what the open directory holds under that name.
    await link(from, to)
  } catch (error) {
    // Two of the object directories may hold the same.
    return (error as NodeJS.ErrnoException).code === 'EEXIST'
  }
  const made = await lstat(to)
  if (made.isFile() && (made.mode & 0o004) !== 0) return true
  await rm(to)
  return false
}
