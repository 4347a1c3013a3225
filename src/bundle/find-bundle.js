import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * What a bundle was made of, by paths relative to the package; a size of -1 stands for a file that does not exist.
 * @typedef {{ size: number, mtimeMs: number, ctimeMs: number, hash: string }} FileStamp
 * @typedef {Record<string, FileStamp>} Manifest
 */

export const packageDirectory = fileURLToPath(new URL('../..', import.meta.url))
/** Where bundles are, each in a directory of its own, so that a new one takes no file from a process that runs. */
export const bundlesDirectory = join(packageDirectory, 'dist')
/** Names the directory of the latest. */
export const currentFile = join(bundlesDirectory, 'current')
/** In the directory of each: a {@link Manifest}. */
export const manifestName = 'bundle.json'

/**
 * The directory of the bundle, or undefined where there is none or where a source has changed since it was built.
 * A file whose size and times are unchanged counts as unchanged; otherwise its content decides.
 * @returns {string | undefined}
 */
export function findBundle() {
  try {
    const directory = join(bundlesDirectory, currentBundle())
    const manifest = /** @type {Manifest} */ (JSON.parse(readFileSync(join(directory, manifestName), 'utf8')))
    return Object.entries(manifest).every(([file, stamp]) => isUnchanged(file, stamp)) ? directory : undefined
  } catch {
    return undefined
  }
}

/**
 * The name of the latest bundle's directory.
 * @throws when none was built.
 */
export function currentBundle() {
  return readFileSync(currentFile, 'utf8')
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
