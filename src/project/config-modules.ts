import { registerHooks } from 'node:module'

/** What a configuration file is written with, and does not have to install. */
const provided = /^(signalbox|zod)(\/|$)/
const ownPackage = new URL('../../package.json', import.meta.url)

const ownIndex = new URL('./src/index.ts', ownPackage).href
const loadedIndex = new URL('../index.ts', import.meta.url).href

/**
 * In a bundle, the modules that a configuration shares with the program, by the files that Node finds for them: a second
 * copy would have error classes of its own.
 */
const shared: ReadonlyMap<string, string> = new Map(
  ownIndex === loadedIndex
    ? []
    : [
        [ownIndex, loadedIndex],
        [import.meta.resolve('zod'), new URL('../bundle/zod.ts', import.meta.url).href],
      ],
)

let isRegistered = false

/**
 * From now on, files that find no package `signalbox` or `zod` of their own get this installation's: a configuration
 * may lie anywhere, such as in /etc.
 */
export function provideConfigModules(): void {
  if (isRegistered) return
  isRegistered = true
  registerHooks({
    resolve(specifier, context, next) {
      const found = find(specifier, context, next)
      const url = shared.get(found.url)
      return url === undefined ? found : { ...found, url, format: 'module' }
    },
  })
}

/** Loads these modules before a configuration file asks for them. */
export async function preloadConfigModules(): Promise<void> {
  provideConfigModules()
  await Promise.all([...shared.values()].map((url) => import(url)))
}

type Resolve = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>

function find(...[specifier, context, next]: Parameters<Resolve>): ReturnType<Resolve> {
  try {
    return next(specifier, context)
  } catch (error) {
    if (!provided.test(specifier)) throw error
    return next(specifier, { ...context, parentURL: ownPackage.href })
  }
}
