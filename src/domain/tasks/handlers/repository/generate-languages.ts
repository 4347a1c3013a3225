import { writeFileSync } from 'node:fs'
import * as languages from 'linguist-languages'

/** Of several languages whose main extension is the same, the first of these. */
const common = [
  ...['C', 'C++', 'C#', 'D', 'F#', 'Fortran', 'HTML', 'JSON', 'Markdown', 'Objective-C', 'Perl', 'PHP', 'R', 'Rust'],
  ...['Shell', 'SQL', 'TypeScript', 'Verilog', 'Apex', 'INI', 'Python', 'Ruby', 'TeX', 'XML'],
]

/** Where the rule of {@link preference} would choose a language that is rare beside this one. */
const exceptions: Readonly<Record<string, string>> = {
  '.bas': 'Visual Basic 6.0',
  '.cfg': 'INI',
  '.for': 'Fortran',
  '.frag': 'GLSL',
  '.plist': 'XML Property List',
  '.pro': 'Prolog',
  '.sc': 'Scala',
  '.t': 'Perl',
  '.trigger': 'Apex',
  '.txt': 'Text',
  '.vba': 'VBA',
  '.yaml': 'YAML',
  '.yy': 'Yacc',
}

type Language = languages.Language

const kinds = ['programming', 'markup', 'data', 'prose']

/** The lower, the likelier: the language whose main extension it is, a common one, a programming language. */
function preference({ name, extensions, type }: Language, extension: string): number {
  if (exceptions[extension] === name) return 0
  const place = common.indexOf(name)
  const isMain = extensions?.[0] === extension
  return (isMain ? 1_000 : 2_000) + (place < 0 ? 100 : place) * 4 + kinds.indexOf(type)
}

/** From each of the names that `namesOf` gives, in lower case, to the language it stands for most likely. */
function tableOf(namesOf: (language: Language) => readonly string[] | undefined): Record<string, string> {
  const candidates = new Map<string, Language[]>()
  for (const language of Object.values(languages))
    for (const name of new Set(namesOf(language)?.map((one) => one.toLowerCase())))
      candidates.set(name, [...(candidates.get(name) ?? []), language])
  const rows = [...candidates].map(([name, sharers]) => {
    const [first] = sharers.toSorted((a, b) => preference(a, name) - preference(b, name) || (a.name < b.name ? -1 : 1))
    // Linguist counts dialects, such as TSX, as the language that they belong to.
    return [name, first?.group ?? first?.name ?? ''] as const
  })
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** GitHub's table of languages, reduced to what is asked of it: which language a file name stands for. */
export function languageTables(): string {
  const tables = {
    extensions: tableOf(({ extensions }) => extensions),
    fileNames: tableOf(({ filenames }) => filenames),
  }
  return `${JSON.stringify(tables, null, 1)}\n`
}

if (import.meta.main) writeFileSync(new URL('./generated/languages.json', import.meta.url), languageTables())
