import type { AttemptOutput, PartWriter } from '#domain/tasks/runner.ts'
import { outputLimits, PermanentFailure } from '#domain/tasks/task-type.ts'
import { shallow } from './attempt-json.ts'
import type { SecretMask } from './secret-mask.ts'
import { cutText, storableText } from './text.ts'

/** The part that holds a result too large to be one; it doesn't count against the number of parts. */
export const resultPartName = 'result.json'

const maxStepNameLength = 200
export const checkpointKind = { what: 'The checkpoint', code: 'INVALID_CHECKPOINT' }

const endedText = 'The attempt has ended; its parts can no longer be written.'

/**
 * Holds one attempt to {@link outputLimits}, and passes nothing on once it is closed. What goes beyond a limit is
 * dropped, and the log says so. Secrets that `mask` knows are masked in log lines and steps.
 */
export class LimitedOutput implements AttemptOutput {
  readonly #output: AttemptOutput
  readonly #mask: SecretMask | undefined
  readonly #partBytes: number
  readonly #partNames = new Set<string>()
  readonly #open = new Set<PartWriter>()
  #lines = 0
  #steps = 0
  #closed = false

  constructor(output: AttemptOutput, mask?: SecretMask, partBytes: number = outputLimits.partBytes) {
    this.#output = output
    this.#mask = mask
    this.#partBytes = partBytes
  }

  progress(percent: number, step?: string): void {
    if (!this.#closed) this.#output.progress(percent, step === undefined ? undefined : this.#stepName(step))
  }

  step(name: string): void {
    if (this.#closed) return
    this.#steps += 1
    if (this.#steps <= outputLimits.logLines) this.#output.step(this.#stepName(name))
  }

  log(line: string, cutBytes = 0): void {
    if (this.#closed) return
    this.#lines += 1
    if (this.#lines <= outputLimits.logLines)
      this.#output.log(storableText(cutText(this.#masked(line, cutBytes), outputLimits.logLineLength, cutBytes)))
  }

  #masked(line: string, cutBytes: number): string {
    return this.#mask?.text(line, cutBytes > 0) ?? line
  }

  #stepName(name: string): string {
    return storableText(this.#masked(name, 0).slice(0, maxStepNameLength))
  }

  line(text: string, cutBytes: number): void {
    this.log(text, cutBytes)
  }

  /** Whether further lines are only counted. */
  get isFull(): boolean {
    return this.#closed || this.#lines >= outputLimits.logLines
  }

  skip(lines: number): void {
    this.#lines += lines
  }

  async drained(): Promise<void> {
    if (!this.#closed) await this.#output.drained()
  }

  async openPart(name: string, contentType: string): Promise<PartWriter> {
    if (this.#closed) throw new Error(endedText)
    if (!this.#admit(name)) return discardingWriter
    const writer = await this.#output.openPart(name, contentType)
    this.#open.add(writer)
    if (this.#closed) await this.#giveUp()
    return this.#limit(name, writer)
  }

  /** @throws {PermanentFailure} when it is too large or nested too deeply. */
  async checkpoint(json: string): Promise<void> {
    if (this.#closed) throw new Error('The attempt has ended; its checkpoint can no longer be saved.')
    const sizeBytes = Buffer.byteLength(json)
    const { checkpointBytes } = outputLimits
    if (sizeBytes > checkpointBytes)
      throw new PermanentFailure(
        `The checkpoint is ${sizeBytes.toLocaleString('en')} bytes; at most ${checkpointBytes.toLocaleString('en')} can be saved.`,
        checkpointKind.code,
      )
    shallow(JSON.parse(json), checkpointKind)
    await this.#output.checkpoint(json)
  }

  /** Says what was dropped, gives up what is still being written, and passes nothing on from now on. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { logLines } = outputLimits
    this.#noteDropped(this.#lines - logLines, 'log lines')
    this.#noteDropped(this.#steps - logLines, 'steps')
    await this.#giveUp()
  }

  async #giveUp(): Promise<void> {
    const open = [...this.#open]
    this.#open.clear()
    await Promise.allSettled(open.map((writer) => writer.abort?.() ?? writer.close()))
  }

  #noteDropped(count: number, what: string): void {
    if (count > 0) this.#note(`${count.toLocaleString('en')} more ${what} were dropped.`)
  }

  /** Speaks for the runner, whatever the attempt has used up. */
  #note(text: string): void {
    this.#output.log(`[signalbox] ${storableText(text)}`)
  }

  #admit(name: string): boolean {
    if (name === resultPartName || this.#partNames.has(name)) return true
    if (this.#partNames.size >= outputLimits.parts) {
      this.log(`[signalbox] The part "${name}" was not kept: a task has at most ${outputLimits.parts} parts.`)
      return false
    }
    this.#partNames.add(name)
    return true
  }

  #limit(name: string, writer: PartWriter): PartWriter {
    let written = 0
    let cut = false
    return {
      write: async (chunk) => {
        this.#mustBeOpen(writer)
        const kept = chunk.subarray(0, this.#partBytes - written)
        written += kept.length
        if (kept.length > 0) await writer.write(kept)
        if (kept.length === chunk.length || cut) return
        cut = true
        this.#note(`The part "${name}" was cut after ${this.#partBytes.toLocaleString('en')} bytes.`)
      },
      close: async () => {
        this.#mustBeOpen(writer)
        this.#open.delete(writer)
        await writer.close()
      },
      abort: async () => {
        if (this.#open.delete(writer)) await (writer.abort?.() ?? writer.close())
      },
    }
  }

  #mustBeOpen(writer: PartWriter): void {
    if (!this.#open.has(writer)) throw new Error(endedText)
  }
}

const discardingWriter: PartWriter = { write: async () => {}, close: async () => {}, abort: async () => {} }
