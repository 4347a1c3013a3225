import { createRequire, registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

// Generators that are written in TypeScript's JavaScript API import `typescript`, whose version 7 has none. Loaded
// before such a program (`node --import`), this gives it the last version that has one.
const require = createRequire(import.meta.url)
const folder = new URL('./typescript.js', pathToFileURL(require.resolve('@ts-morph/common')))

registerHooks({
  resolve: (specifier, context, nextResolve) =>
    specifier === 'typescript'
      ? { url: folder.href, format: 'commonjs', shortCircuit: true }
      : nextResolve(specifier, context),
})
