import type { TaskUpdate } from '#client/index.ts'
import type { Output } from './output.ts'
import { outcome } from './task-text.ts'
import type { TaskOutcome, TaskView } from './task-view.ts'
import { printable } from './text.ts'

/** Progress is printed when it has grown by so many percent. */
const progressStride = 10

const statusTexts: Partial<Record<string, string>> = {
  SCHEDULED: 'scheduled for later',
  PENDING: 'waiting for a worker',
  ACTIVE: 'running',
}

/** Prints a task line by line, for pipes and files: only what is new. */
export class PlainTaskView implements TaskView {
  readonly isForPeople = true
  readonly #output: Output
  #status = ''
  #step = ''
  #progress = 0

  constructor(output: Output) {
    this.#output = output
  }

  update({ status, attempt, step, progress, part }: TaskUpdate): void {
    const stage = `${status} ${attempt}`
    if (status !== null && stage !== this.#status) this.#enter(stage, status, attempt ?? 0)
    if (step !== null && step !== this.#step) {
      this.#step = step
      this.#output.line(`step: ${printable(step)}`)
    }
    if (progress !== null && progress >= this.#progress + progressStride) {
      this.#progress = progress
      this.#output.line(`${progress} %`)
    }
    if (part !== null) this.#output.line(`part: ${printable(part.name)}`)
  }

  log(message: string): void {
    this.#output.line(`| ${printable(message)}`)
  }

  attemptFailed(text: string): void {
    this.#output.line(text)
  }

  remark(text: string): void {
    this.#output.remark(text)
  }

  end(task: TaskOutcome): void {
    this.#output.line(outcome(task))
  }

  close(): void {}

  #enter(stage: string, status: string, attempt: number): void {
    this.#status = stage
    const text = statusTexts[status]
    // When the next attempt comes was said with the failure of the one before.
    if (text === undefined || (status === 'SCHEDULED' && attempt > 0)) return
    // Another attempt begins at nothing.
    if (status === 'ACTIVE') this.#progress = 0
    this.#output.line(attempt > 1 ? `${text}, attempt ${attempt}` : text)
  }
}
