import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What a bundle was made of. `files` are relative to the package; a size of -1 stands for a file that does not exist.
 * @typedef {{ size: number, mtimeMs: number, ctimeMs: number, hash: string }} FileStamp
 * @typedef {{ directory: string, files: Record<string, FileStamp> }} Manifest
 */

export const packageDirectory = fileURLToPath(new URL('../..', import.meta.url))
/** Where bundles are, each in a directory of its own, so that a new one takes no file from a process that runs. */
export const bundlesDirectory = join(packageDirectory, 'dist')
export const manifestFile = join(bundlesDirectory, 'bundle.json')

/**
 * The directory of the bundle, or undefined where there is none or where a source has changed since it was built.
 * A file whose size and times are unchanged counts as unchanged; otherwise its content decides.
 * @returns {string | undefined}
 */
export function findBundle() {
  const manifest = readManifest()
  if (manifest === undefined) return undefined
  for (const [file, stamp] of Object.entries(manifest.files)) if (!isUnchanged(file, stamp)) return undefined
  return join(bundlesDirectory, manifest.directory)
}

/** @returns {Manifest | undefined} */
export function readManifest() {
  try {
    return JSON.parse(readFileSync(manifestFile, 'utf8'))
  } catch {
    return undefined
  }
}

/**
 * What a file of the package is at this moment.
 * @param {string} file
 * @returns {FileStamp}
 */
export function stampFile(file) {
  const stat = statSync(join(packageDirectory, file), { throwIfNoEntry: false })
  if (stat === undefined) return { size: -1, mtimeMs: 0, ctimeMs: 0, hash: '' }
  const { size, mtimeMs, ctimeMs } = stat
  return { size, mtimeMs, ctimeMs, hash: hashFile(file) }
}

/**
 * @param {string} file
 * @param {FileStamp} stamp
 */
function isUnchanged(file, { size, mtimeMs, ctimeMs, hash }) {
  const stat = statSync(join(packageDirectory, file), { throwIfNoEntry: false })
  if (stat === undefined || stat.size !== size) return stat === undefined && size === -1
  return (stat.mtimeMs === mtimeMs && stat.ctimeMs === ctimeMs) || hashFile(file) === hash
}

/** @param {string} file */
function hashFile(file) {
  return createHash('sha256')
    .update(readFileSync(join(packageDirectory, file)))
    .digest('base64url')
}
