import { basename } from 'node:path'
import tables from './generated/languages.json' with { type: 'json' }

const extensions = new Map<string, string>(Object.entries(tables.extensions))
const fileNames = new Map<string, string>(Object.entries(tables.fileNames))

/** The language of a file, judged by its name as GitHub names it; `Other` when the name says nothing. */
export function languageOf(path: string): string {
  const name = basename(path).toLowerCase()
  if (name.startsWith('dockerfile.')) return 'Dockerfile'
  return fileNames.get(name) ?? languageByExtension(name) ?? 'Other'
}

/** The longest extension that is known decides: `.cmake.in` before `.in`. */
function languageByExtension(name: string): string | undefined {
  for (let at = name.indexOf('.'); at !== -1; at = name.indexOf('.', at + 1)) {
    const language = extensions.get(name.slice(at))
    if (language !== undefined) return language
  }
  return undefined
}
