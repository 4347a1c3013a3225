/** A fenced block of a page that shows commands. */
export interface CommandBlock {
  /** Where the block begins, such as `tasks.md:12`. */
  readonly at: string
  readonly steps: readonly CommandStep[]
  /** Why it cannot run in a test; undefined if it can. */
  readonly notRun: string | undefined
}

/** What is typed, and what follows on the terminal. */
export interface CommandStep {
  readonly command: string
  /** Undefined where the page shows no output. */
  readonly output: string | undefined
}

/** A block that continues the output of an earlier command, such as that of a listener. */
export interface OutputBlock {
  readonly at: string
  /** A fragment of the command. */
  readonly shownBy: string
  readonly output: string
}

/**
 * The blocks of a page that call `signalbox` or `curl`, in order: transcripts, whose commands begin with `$ `, and shell
 * scripts, whose output is the block without a language that follows directly. A comment before a block says otherwise:
 * `<!-- not run: reason -->`, or `<!-- shown by: fragment of a command -->` for later output of that command.
 */
export function blocksOf(name: string, page: string): readonly (CommandBlock | OutputBlock)[] {
  const fences = [...page.matchAll(/(?:^<!-- (not run|shown by): (.+) -->\n+)?^```(\w*)\n([\s\S]*?)^```$/gm)]
  return fences.flatMap((fence, index): readonly (CommandBlock | OutputBlock)[] => {
    const [whole, mark, markText, language, text = ''] = fence
    const at = `${name}:${page.slice(0, fence.index).split('\n').length}`
    if (mark === 'shown by') return [{ at, shownBy: markText ?? '', output: text }]
    const notRun = mark === 'not run' ? markText : undefined
    if (language === '' && text.startsWith('$ ')) return [{ at, steps: transcriptSteps(text), notRun }]
    if (language !== 'sh' || !/(?:^|[\s(])(?:signalbox|curl) [-\w"]/m.test(text)) return []
    const next = fences[index + 1]
    const follows = next?.index === fence.index + whole.length + 1 && next[3] === '' && !next[4]?.startsWith('$ ')
    return [{ at, steps: [{ command: text.trimEnd(), output: follows ? next[4] : undefined }], notRun }]
  })
}

function transcriptSteps(text: string): readonly CommandStep[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const [, command = '', output = ''] = /^((?:.*\\\n)*.*)\n([\s\S]*)$/.exec(step) ?? []
      return { command, output: output === '' ? undefined : output }
    })
}

/** Parts of a transcript that differ from run to run; a bound one keeps its value for the rest of the page. */
const volatile: readonly { readonly pattern: string; readonly accepts?: string; readonly isBound: boolean }[] = [
  { pattern: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', isBound: true },
  { pattern: '\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+Z)?', isBound: false },
  { pattern: '\\b[0-9a-f]{64}\\b', isBound: true },
  { pattern: '\\b\\d+(?:\\.\\d+)? (?:ms|s|min|h|d)\\b(?: \\d+ (?:s|min|h)\\b)?', isBound: false },
  // A commit, as `git log --oneline` prints it into a task's log.
  { pattern: '(?<=^\\| )[0-9a-f]{7}\\b', accepts: '[0-9a-f]{7,}', isBound: false },
  // Cursors: base64url, in mixed case with digits.
  { pattern: '\\b(?=[\\w-]*[A-Z])(?=[\\w-]*[a-z])(?=[\\w-]*\\d)[A-Za-z0-9_-]{16,}', isBound: true },
]
const volatilePattern = new RegExp(volatile.map(({ pattern }) => `(${pattern})`).join('|'), 'g')

/** The actual values of what a page shows, such as ids: later commands use them instead of those of the page. */
export class Bindings {
  readonly #actual = new Map<string, string>()

  /** A command of the page with the values of this run. */
  apply(command: string): string {
    return command.replaceAll(volatilePattern, (shown) => this.#actual.get(shown) ?? shown)
  }

  /**
   * How much of the output is what the page shows, as a number of characters; undefined if it is not: ids, times and
   * durations may differ, `…` stands for the rest of a line or, alone on a line, for any lines, and columns may be wider.
   * Unless more may follow, it must be all of the output. Binds the ids of the page.
   */
  match(shown: string, actual: string, mayContinue = false): number | undefined {
    const names: string[] = []
    const lines = shown.trimEnd().split('\n')
    const source = lines.map((line) =>
      line.trim() === '…' ? '(?:[^\\n]*\\n)*?' : `${this.#lineSource(line, names)}\\n`,
    )
    const text = mayContinue ? actual : `${actual.trimEnd()}\n`
    const found = new RegExp(`^${source.join('')}${mayContinue ? '' : '$'}`).exec(text)
    if (found === null) return undefined
    for (const [index, name] of names.entries()) this.#actual.set(name, found[index + 1] ?? '')
    return found[0].length
  }

  #lineSource(line: string, names: string[]): string {
    let source = ''
    let end = 0
    for (const found of line.matchAll(volatilePattern)) {
      source += literal(line.slice(end, found.index))
      end = found.index + found[0].length
      const kind = volatile[found.slice(1).findIndex((group) => group !== undefined)]
      source += this.#volatileSource(found[0], kind, names)
    }
    return source + literal(line.slice(end))
  }

  #volatileSource(shown: string, kind: (typeof volatile)[number] | undefined, names: string[]): string {
    if (kind?.isBound !== true) return `(?:${kind?.accepts ?? kind?.pattern})`
    const known = this.#actual.get(shown)
    if (known !== undefined) return escaped(known)
    const earlier = names.indexOf(shown)
    if (earlier >= 0) return `\\${earlier + 1}`
    names.push(shown)
    return `(${kind.pattern})`
  }
}

function literal(text: string): string {
  return escaped(text).replaceAll('…', '[^\\n]*?').replaceAll(/ {2,}/g, ' {2,}')
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
