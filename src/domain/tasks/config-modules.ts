import { registerHooks } from 'node:module'

/** What a configuration file is written with, and does not have to install. */
const provided = /^(signalbox|zod)(\/|$)/
const ownPackage = new URL('../../../package.json', import.meta.url)

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
      try {
        return next(specifier, context)
      } catch (error) {
        if (!provided.test(specifier)) throw error
        return next(specifier, { ...context, parentURL: ownPackage.href })
      }
    },
  })
}
