import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const root = join(import.meta.dirname, '../..')
const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { imports: Record<string, string> }
/** `#domain/` and where it leads, for each layer. */
const layers = Object.entries(imports)
  .filter(([name]) => name.endsWith('/*'))
  .map(([name, path]) => [name.slice(0, -1), normalize(path.slice(0, -1))] as const)

/** The program's own source files that no tool has written, by their paths in the repository. */
export const sourceFiles: ReadonlyMap<string, string> = new Map(
  globSync(['src/**/*.ts', 'schema/**/*.ts'], { cwd: root, exclude: ['**/generated'] }).map((path) => [
    path,
    readFileSync(join(root, path), 'utf8'),
  ]),
)

/** The source files that each file imports, for values or only for types. */
export const importsOf: ReadonlyMap<string, readonly string[]> = new Map(
  [...sourceFiles].map(([path, text]) => {
    const specifiers = [...text.matchAll(/(?:\bfrom |\bimport\()'([^']+)'/g)]
    return [
      path,
      specifiers.map(([, specifier = '']) => resolve(path, specifier)).filter((file) => sourceFiles.has(file)),
    ]
  }),
)

function resolve(path: string, specifier: string): string {
  if (specifier.startsWith('.')) return join(dirname(path), specifier)
  const [name, folder] = layers.find(([layer]) => specifier.startsWith(layer)) ?? ['', '']
  return folder + specifier.slice(name.length)
}
