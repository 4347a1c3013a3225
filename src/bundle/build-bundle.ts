import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { type Plugin, rolldown } from 'rolldown'
import {
  bundlesDirectory,
  currentBundle,
  currentFile,
  manifestName,
  packageDirectory,
  stampFile,
} from './find-bundle.js'

/** The files that something else than an import starts: processes, threads, and what configuration files import. */
export const entries: Readonly<Record<string, string>> = {
  main: 'src/main.ts',
  'task-host': 'src/app/task-host.ts',
  'check-process': 'src/domain/documents/schemas/check-process-main.ts',
  'watchdog-thread': 'src/platform/watchdog/thread.ts',
  'source-thread': 'src/domain/salesforce/tasks/source-thread.ts',
  'graphiql-files': 'src/transport/pages/graphiql-files.ts',
  index: 'src/index.ts',
  zod: 'src/bundle/zod.ts',
}

/** What decides about a bundle beside the sources in it: how it is built, and the versions of the packages. */
const otherSources = ['src/bundle/build-bundle.ts', 'package.json', 'node_modules/.package-lock.json']

/**
 * How many bundles are kept, the current one included, for processes that still load from theirs. Their directories are
 * used in turn: in ever new ones, Node's compile cache would grow with each build.
 */
const keptBundles = 8

/**
 * Bundles the program with its packages into a few files, which load several times faster than the sources, and makes
 * this the bundle that the next process starts. Processes that run keep the bundle that they were started from.
 * @throws when a source changes meanwhile.
 */
export async function buildBundle(): Promise<void> {
  const startedAt = Date.now()
  const draft = join(bundlesDirectory, `.draft-${process.pid}`)
  const sources = new Set(otherSources)
  try {
    await bundleTo(draft, sources)
    const manifest = Object.fromEntries([...sources].sort().map((file) => [file, stampFile(file)]))
    const changed = Object.keys(manifest).filter((file) => (manifest[file]?.mtimeMs ?? 0) > startedAt)
    if (changed.length > 0) throw new Error(`${changed.join(', ')} changed while the program was bundled; build again.`)
    writeFileSync(join(draft, manifestName), JSON.stringify(manifest))
    publish(draft)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

async function bundleTo(directory: string, sources: Set<string>): Promise<void> {
  const bundle = await rolldown({
    cwd: packageDirectory,
    input: entries,
    platform: 'node',
    // 9 MB of text, which one thread reads; and what need not be installed.
    external: ['@graphql-yoga/render-graphiql/graphiql', '@salesforce/source-deploy-retrieve'],
    plugins: [ownModules(sources), packageModules],
  })
  await bundle.write({
    dir: directory,
    format: 'esm',
    // One letter elsewhere would make V8 keep a whole file with two bytes a character.
    charset: 'ascii',
    comments: { annotation: false, jsdoc: false, legal: true },
    // Errors are logged by the names of their classes.
    keepNames: true,
    sourcemap: true,
    sourcemapExcludeSources: true,
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
  })
  await bundle.close()
}

/** Notes which files the bundle consists of, and keeps what they find by `import.meta.url` where it is. */
function ownModules(sources: Set<string>): Plugin {
  return {
    name: 'own-modules',
    transform: {
      filter: { id: { exclude: /[\\/]node_modules[\\/]|^\0/ } },
      handler(code, id) {
        const file = relative(packageDirectory, id).replaceAll(sep, '/')
        sources.add(file)
        if (!code.includes('import.meta.')) return undefined
        return { code: moveFileUrls(code, file), map: null }
      },
    },
  }
}

/** Without a map: it would be ten times as large, and packages are not what an error's reader can change. */
const packageModules: Plugin = {
  name: 'package-modules',
  transform: {
    filter: { id: /[\\/]node_modules[\\/]/ },
    handler: (code) => ({ code, map: { version: 3, names: [], sources: [], mappings: '' } }),
  },
}

function moveFileUrls(code: string, file: string): string {
  const moved = code
    .replace(/new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g, (whole, path: string) => {
      const target = posix.join(posix.dirname(file), path)
      const [entry] = Object.entries(entries).find(([, source]) => source === target) ?? []
      return entry === undefined ? whole : `new URL('./${entry}.js', import.meta.URL)`
    })
    .replaceAll('import.meta.url', `new URL('../../${file}', import.meta.URL).href`)
  const other = /import\.meta\.(?!URL\b|resolve\b)\w+/.exec(moved)
  if (other) throw new Error(`${file} uses ${other[0]}, which is different in a bundle; use import.meta.url.`)
  return moved.replaceAll('import.meta.URL', 'import.meta.url')
}

/** Makes the draft the current bundle, in place of the oldest one. */
function publish(draft: string): void {
  const directory = String((previousBundle() + 1) % keptBundles)
  const path = join(bundlesDirectory, directory)
  rmSync(path, { recursive: true, force: true })
  renameSync(draft, path)
  const newCurrent = join(bundlesDirectory, `.current-${process.pid}`)
  writeFileSync(newCurrent, directory)
  renameSync(newCurrent, currentFile)
}

function previousBundle(): number {
  try {
    return Number.parseInt(currentBundle(), 10) || 0
  } catch {
    return 0
  }
}
