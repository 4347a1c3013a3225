import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bundlesDirectory, packageDirectory } from './find-bundle.js'

/** Where the server finds the console: its page, and in `assets` the files that the page loads. */
const consoleDirectory = join(bundlesDirectory, 'console')

/**
 * Builds the console into files named after their contents. Servers that run have read theirs, or read the new ones.
 * @throws where Vite is missing or a source is wrong, leaving what was built before.
 */
export async function buildConsole(directory = consoleDirectory): Promise<void> {
  const { build } = await import('vite')
  const { NODE_ENV } = process.env
  // Vite compiles for development where this says so, whatever its own mode.
  process.env['NODE_ENV'] = 'production'
  const draft = `${directory}-draft-${process.pid}`
  try {
    await build({
      root: join(packageDirectory, 'src/console'),
      configFile: false,
      publicDir: false,
      logLevel: 'warn',
      // Where it is served is known at run time: the page has a <base>.
      base: './',
      build: {
        outDir: draft,
        emptyOutDir: true,
        target: 'es2023',
        // The policy of the page allows no data: addresses and no inline scripts.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        rolldownOptions: { checks: { pluginTimings: false } },
      },
    })
    const old = `${directory}-old-${process.pid}`
    if (existsSync(directory)) renameSync(directory, old)
    renameSync(draft, directory)
    rmSync(old, { recursive: true, force: true })
  } finally {
    if (NODE_ENV === undefined) delete process.env['NODE_ENV']
    else process.env['NODE_ENV'] = NODE_ENV
    rmSync(draft, { recursive: true, force: true })
  }
}
