import { constants, type Stats } from 'node:fs'
import { chmod, copyFile, open, readdir, readFile, readlink, realpath } from 'node:fs/promises'
import { sep } from 'node:path'

/** Thrown for a path that leads out of the roots, or to nothing; it does not say which. */
export class OutsideRoots extends Error {
  constructor(path: string) {
    super(`${path} is not below one of the roots.`)
    this.name = 'OutsideRoots'
  }
}

/** A file or directory below one of the roots, held open. */
export interface RootedFile extends AsyncDisposable {
  readonly stats: Stats
  /** Leads to what is open, whatever its name leads to by now; valid until it is closed. */
  readonly path: string
  /** The name it was opened by, without symbolic links. */
  readonly realPath: string
}

const maxTextBytes = 1024 * 1024
const isLinux = process.platform === 'linux'

/**
 * The directories that local repositories may be read from. What is opened here lies below one of them, even if somebody
 * replaces a directory by a symbolic link at the same time: on Linux the opened file itself is checked, not its name.
 */
export class Roots {
  readonly #bases: readonly string[]

  private constructor(bases: readonly string[]) {
    this.#bases = bases
  }

  /** A root that does not exist holds nothing. */
  static async of(paths: readonly string[]): Promise<Roots> {
    const bases = await Promise.all(paths.map((path) => realpath(path).catch(() => [])))
    return new Roots(bases.flat())
  }

  /** Opens a file or directory for reading, through symbolic links that stay inside. @throws {OutsideRoots} */
  async open(path: string): Promise<RootedFile> {
    const realPath = await realpath(path).catch(missing(path))
    this.#mustHold(realPath)
    // O_NONBLOCK: opening a named pipe must not wait for a writer.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
    const handle = await open(realPath, flags).catch(missing(path))
    try {
      const held = isLinux ? `/proc/self/fd/${handle.fd}` : realPath
      this.#mustHold(await (isLinux ? readlink(held) : realpath(held)))
      return { stats: await handle.stat(), path: held, realPath, [Symbol.asyncDispose]: () => handle.close() }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The names in a directory. @throws {OutsideRoots} also when it is not a directory. */
  async names(path: string): Promise<string[]> {
    await using directory = await this.open(path)
    if (!directory.stats.isDirectory()) throw new OutsideRoots(path)
    return await readdir(directory.path)
  }

  /** A file of at most one megabyte as text. @throws {OutsideRoots} also when it is larger, or not a file. */
  async text(path: string): Promise<string> {
    await using file = await this.#openFile(path)
    if (file.stats.size > maxTextBytes) throw new OutsideRoots(path)
    return await readFile(file.path, 'utf8')
  }

  /** Copies a file, readable for everybody, unless there is one already. @throws {OutsideRoots} also when it is not a file. */
  async copy(path: string, to: string): Promise<void> {
    await using file = await this.#openFile(path)
    await copyFile(file.path, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL).catch(present)
    await chmod(to, 0o444)
  }

  async #openFile(path: string): Promise<RootedFile> {
    const file = await this.open(path)
    if (file.stats.isFile()) return file
    await file[Symbol.asyncDispose]()
    throw new OutsideRoots(path)
  }

  #mustHold(realPath: string): void {
    const isInside = this.#bases.some(
      (base) => realPath === base || realPath.startsWith(base.endsWith(sep) ? base : base + sep),
    )
    if (!isInside) throw new OutsideRoots(realPath)
  }
}

/** A missing file and one behind a link that leads nowhere are the same to a caller. */
function missing(path: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) throw new OutsideRoots(path)
    throw error
  }
}

function present(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
