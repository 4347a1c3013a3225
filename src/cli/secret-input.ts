import { CommandFailure, exitCodes } from './exit-codes.ts'
import { readStandardInput } from './input.ts'

/** Secrets that a person types, which no terminal shows; without a terminal, the lines of standard input in order. */
export class SecretInput {
  #lines: string[] | undefined

  /** Whether a person sits there, who may mistype. */
  readonly isTyped = process.stdin.isTTY

  /** @throws {CommandFailure} when there is none, or the person gives up */
  async ask(what: string): Promise<string> {
    const secret = this.isTyped ? await type(what) : await this.#line()
    if (secret === '') throw new CommandFailure(`${what}: nothing was given.`)
    return secret
  }

  async #line(): Promise<string> {
    this.#lines ??= (await readStandardInput()).split(/\r?\n/)
    return this.#lines.shift() ?? ''
  }
}

async function type(message: string): Promise<string> {
  const { default: password } = await import('@inquirer/password')
  try {
    // Standard output is for answers.
    return await password({ message, mask: true }, { output: process.stderr })
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'ExitPromptError')
      throw new CommandFailure('Nothing is changed.', exitCodes.interrupted, { cause })
    throw cause
  }
}
