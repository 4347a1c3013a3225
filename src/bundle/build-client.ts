import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import { bundlesDirectory, packageDirectory } from './find-bundle.js'

/** What other packages import as `signalbox/client`: one file, which needs no package and no newer Node than this. */
const target = 'node20'
const clientDirectory = join(bundlesDirectory, 'client')
const typesDirectory = join(clientDirectory, 'types')

/**
 * Bundles the typed client into one JavaScript file, and writes its types where TypeScript is installed, which an
 * installation without development packages has not.
 */
export async function buildClient(): Promise<void> {
  const bundle = await rolldown({
    cwd: packageDirectory,
    input: 'src/client/index.ts',
    platform: 'node',
    transform: { target },
  })
  await bundle.write({
    file: join(clientDirectory, 'index.js'),
    format: 'esm',
    codeSplitting: false,
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
    [compiler, ...options, ...asHere, '--types', 'node', '--strict', '--outDir', typesDirectory, 'src/client/index.ts'],
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
    .replaceAll(/'#lib\/([^']+)\.ts'/g, "'../lib/$1.js'")
    .replaceAll(/"(\.[^"]+)\.ts"/g, '"$1.js"')
  writeFileSync(file, text)
}
