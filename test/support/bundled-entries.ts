import { dirname, join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'
import { entries } from '#src/bundle/build-bundle.ts'
import { findBundle, packageDirectory } from '#src/bundle/find-bundle.js'

const startedFile = /new URL\('(\.[^']+\.ts)', import\.meta\.url\)/g

/**
 * Lets servers inside of the test process start their processes and threads from the bundle, as installed servers do:
 * from the sources each takes several times as long to load.
 */
export const bundledEntries: Plugin = {
  name: 'bundled-entries',
  enforce: 'pre',
  // What vitest keeps of an earlier run names the bundle of that time.
  configureVitest: ({ defineCacheKeyGenerator }) =>
    defineCacheKeyGenerator(({ sourceCode }) => (sourceCode.search(startedFile) === -1 ? undefined : findBundle())),
  transform: {
    filter: { id: { include: join(packageDirectory, 'src/**/*.ts') }, code: startedFile },
    handler(code, id) {
      const moved = code.replace(startedFile, (whole, path: string) => bundledFile(join(dirname(id), path)) ?? whole)
      return { code: moved, map: null }
    },
  },
}

/** An expression for the URL of what the bundle has in the place of a source that something starts. */
function bundledFile(source: string): string | undefined {
  const name = relative(packageDirectory, source).replaceAll(sep, '/')
  const [entry] = Object.entries(entries).find(([, file]) => file === name) ?? []
  const bundle = findBundle()
  if (entry === undefined || bundle === undefined) return undefined
  return `new URL('${pathToFileURL(join(bundle, `${entry}.js`)).href}')`
}
