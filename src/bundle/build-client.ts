import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { rolldown } from 'rolldown'
import { bundlesDirectory, packageDirectory } from './find-bundle.js'

/** What other packages import as `signalbox/client`: files that need no package but React, and no newer Node than this. */
const target = 'node20'
const clientDirectory = join(bundlesDirectory, 'client')
const typesDirectory = join(clientDirectory, 'types')

/** What is imported: all of it, what browsers can use, and the hooks. They share files, so that each error is one class. */
const entries = {
  index: 'src/client/index.ts',
  browser: 'src/client/browser.ts',
  react: 'src/client/react/index.ts',
}

/**
 * Bundles the typed client and its hooks, and writes their types where TypeScript is installed, which an installation
 * without development packages has not.
 */
export async function buildClient(): Promise<void> {
  rmSync(clientDirectory, { recursive: true, force: true })
  const bundle = await rolldown({
    cwd: packageDirectory,
    input: entries,
    // Neutral: nothing of Node.js but what the parts for it import.
    platform: 'neutral',
    resolve: { mainFields: ['module', 'main'] },
    external: ['react', /^node:/],
    transform: { target },
  })
  await bundle.write({
    dir: clientDirectory,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name].js',
    comments: { legal: true },
  })
  await bundle.close()
  writeTypes()
}

function writeTypes(): void {
  const compiler = join(packageDirectory, 'node_modules/typescript/bin/tsc')
  if (!existsSync(compiler)) return
  const options = ['--noEmit', 'false', '--declaration', '--emitDeclarationOnly', '--rootDir', 'src', '--ignoreConfig']
  const asHere = ['--target', 'es2024', '--module', 'nodenext', '--allowImportingTsExtensions', '--skipLibCheck']
  const { status, stdout } = spawnSync(
    process.execPath,
    [
      ...[compiler, ...options, ...asHere, '--lib', 'es2024,dom,esnext.disposable', '--types', 'node', '--strict'],
      ...['--outDir', typesDirectory, ...Object.values(entries)],
    ],
    { cwd: packageDirectory, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`The types of the client could not be written:\n${stdout}`)
  for (const name of readdirSync(typesDirectory, { recursive: true, encoding: 'utf8' }))
    if (name.endsWith('.d.ts')) rewriteImports(join(typesDirectory, name))
}

/** Importers resolve neither `.ts` nor this package's own names for folders. */
function rewriteImports(file: string): void {
  const text = readFileSync(file, 'utf8')
    .replaceAll(/'(\.[^']+)\.ts'/g, "'$1.js'")
    .replaceAll(/(['"])#(lib|client)\/([^'"]+)\.ts['"]/g, (_, quote: string, layer: string, path: string) => {
      const from = relative(dirname(file), join(typesDirectory, layer, `${path}.js`)).replaceAll(sep, '/')
      return `${quote}${from.startsWith('.') ? '' : './'}${from}${quote}`
    })
    .replaceAll(/"(\.[^"]+)\.ts"/g, '"$1.js"')
  writeFileSync(file, text)
}
