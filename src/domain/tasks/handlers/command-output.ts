import { cutText } from '#domain/tasks/runner/text.ts'
import { outputLimits, type TaskContext } from '#domain/tasks/task-type.ts'
import type { CommandConfig } from './command-line.ts'
import { openWorkspaceFile } from './workspace-file.ts'

const keptErrorLines = 20
const keptErrorLength = 500

const directive = /^::(?:(\w+)::)?(progress|step|part) (.*)$/

interface CommandOutputOptions {
  /** Which directives are obeyed. */
  readonly directives: NonNullable<CommandConfig['directives']>
  /** The secret of this attempt that marks a directive as the program's own; it is kept out of the log. */
  readonly marker: string
}

/**
 * Understands what a program prints: directives (`::progress`, `::step` and `::part` lines, or marked ones such as
 * `::<marker>::step`) are obeyed, all else is its log.
 */
export class CommandOutput {
  readonly #context: TaskContext
  readonly #options: CommandOutputOptions
  readonly #parts: Promise<void>[] = []
  /** The last lines on standard error, oldest first. */
  readonly lastErrors: string[] = []

  constructor(context: TaskContext, options: CommandOutputOptions) {
    this.#context = context
    this.#options = options
  }

  stdout = (line: string, cutBytes: number): void => {
    if (cutBytes > 0 || !this.#obey(line)) this.#context.log(this.#logged(line, cutBytes))
  }

  stderr = (line: string, cutBytes: number): void => {
    const text = this.#logged(line, cutBytes)
    this.#context.log(text)
    this.lastErrors.push(cutText(text, keptErrorLength))
    if (this.lastErrors.length > keptErrorLines) this.lastErrors.shift()
  }

  /** Resolves when every announced part is kept. @throws {PermanentFailure} when one could not be. */
  async partsKept(): Promise<void> {
    await Promise.all(this.#parts)
  }

  #obey(line: string): boolean {
    const [, marker, order, rest = ''] = directive.exec(line) ?? []
    if (order === undefined || !this.#mayGive(marker)) return false
    if (order === 'step' && rest.trim()) return this.#step(rest.trim())
    if (order === 'progress') return this.#progress(rest)
    return order === 'part' && this.#part(rest)
  }

  #mayGive(marker: string | undefined): boolean {
    const { directives, marker: own } = this.#options
    if (directives === 'none') return false
    return marker === undefined ? directives === 'any' : marker === own
  }

  /** Readers of the log must not learn the marker while the program runs. */
  #logged(line: string, cutBytes: number): string {
    return shortened(this.#context.mask(line).replaceAll(this.#options.marker, '***'), cutBytes)
  }

  #step(name: string): true {
    this.#context.step(name)
    return true
  }

  #progress(rest: string): boolean {
    const [, percent, step] = /^(\d+(?:\.\d+)?)%?(?: (.*))?$/.exec(rest.trim()) ?? []
    if (percent === undefined) return false
    this.#context.progress(Number(percent), step)
    return true
  }

  #part(rest: string): boolean {
    const [, name, path] = /^(\S+) (.+)$/.exec(rest.trim()) ?? []
    if (name === undefined || path === undefined) return false
    const keeping = this.#keepPart(name, path)
    keeping.catch(() => undefined)
    this.#parts.push(keeping)
    return true
  }

  async #keepPart(name: string, path: string): Promise<void> {
    const file = await openWorkspaceFile(this.#context.workspace, path)
    await this.#context.part(name, file.content, file.contentType)
  }
}

/** Leaves room for its mark, so that the cut isn't cut again where the log's own limit is held. */
function shortened(line: string, cutBytes: number): string {
  return cutText(line, outputLimits.logLineLength - 64, cutBytes)
}
