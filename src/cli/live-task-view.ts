import type { TaskStatus, TaskSummaryFragment, TaskUpdate } from '#client/index.ts'
import { LiveLine } from './live-line.ts'
import type { Output } from './output.ts'
import { outcome, statusStyles } from './task-text.ts'
import type { TaskOutcome, TaskView } from './task-view.ts'
import { columnsOf, duration, pad, printable, shorten } from './text.ts'

const redrawMs = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const marks: Partial<Record<TaskStatus, string>> = { COMPLETED: '✔', FAILED: '✖', CANCELLED: '■' }
const narrowestBar = 5
const widestBar = 30
/** Blanks, percentage and time beside step and bar. */
const fixedColumns = 22

/** Shows a task on a terminal: one line with step, bar, percentage and time, redrawn in place, and the log above it. */
export class LiveTaskView implements TaskView {
  readonly isForPeople = true
  readonly #output: Output
  readonly #line: LiveLine
  readonly #timer: NodeJS.Timeout
  readonly #dueAt: number
  #status: TaskStatus
  #attempt: number
  #step: string
  #progress: number
  /** By this machine's steady clock; the server's may differ. */
  #since = performance.now()
  #frame = 0

  constructor(output: Output, task: TaskSummaryFragment) {
    this.#output = output
    this.#line = new LiveLine(output.stdout)
    this.#status = task.status
    this.#attempt = task.attempt
    this.#step = printable(task.currentStep ?? '')
    this.#progress = task.progress
    this.#dueAt = Date.parse(task.runAt)
    if (task.startedAt !== null) this.#since -= Math.max(0, Date.now() - Date.parse(task.startedAt))
    this.#timer = setInterval(() => this.#draw(), redrawMs)
    this.#draw()
  }

  update({ status, attempt, step, progress }: TaskUpdate): void {
    const isNewAttempt = status === 'ACTIVE' && attempt !== null && attempt !== this.#attempt
    if (isNewAttempt || (status !== null && status !== this.#status && status !== 'COMPLETED'))
      this.#begin(isNewAttempt)
    this.#status = status ?? this.#status
    this.#attempt = attempt ?? this.#attempt
    if (step !== null) this.#step = printable(step)
    if (progress !== null) this.#progress = progress
    this.#draw()
  }

  log(message: string): void {
    this.#line.print(printable(message))
  }

  attemptFailed(text: string): void {
    this.#line.print(this.#output.styled('red', text))
  }

  remark(text: string): void {
    this.#line.print(this.#output.styled('yellow', text))
  }

  end(task: TaskOutcome): void {
    this.close()
    const { styled } = this.#output
    const mark = styled.call(this.#output, statusStyles[task.status], marks[task.status] ?? '')
    this.#output.line(`${mark} ${outcome(task)}`)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#line.clear()
  }

  #begin(isNewAttempt: boolean): void {
    this.#since = performance.now()
    if (!isNewAttempt) return
    this.#progress = 0
    this.#step = ''
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % frames.length
    const columns = this.#line.columns
    const time = duration(performance.now() - this.#since)
    // One that has ended keeps its bar until its outcome replaces it.
    if (this.#status === 'PENDING' || this.#status === 'SCHEDULED')
      return this.#line.draw(shorten(`${frames[this.#frame]} ${this.#waitText()}  ${time}`, columns))
    const percent = `${String(this.#progress).padStart(3)} %`
    const barColumns = Math.min(widestBar, Math.floor((columns - fixedColumns) / 2))
    if (barColumns < narrowestBar) return this.#line.draw(shorten(`${percent} ${time} ${this.#step}`, columns))
    const stepColumns = Math.min(Math.max(12, columnsOf(this.#step)), columns - fixedColumns - barColumns)
    const step = pad(shorten(this.#step || 'running', stepColumns), stepColumns)
    const bar = this.#bar(barColumns)
    this.#line.draw(`${frames[this.#frame]} ${step}  ${bar} ${percent}  ${time}`)
  }

  #bar(columns: number): string {
    const filled = Math.round((columns * this.#progress) / 100)
    return this.#output.styled('cyan', '█'.repeat(filled)) + this.#output.styled('dim', '░'.repeat(columns - filled))
  }

  #waitText(): string {
    const again = this.#attempt > 0 ? `, after attempt ${this.#attempt}` : ''
    if (this.#status !== 'SCHEDULED') return `waiting for a worker${again}`
    return this.#attempt > 0
      ? `waiting to be tried again${again}`
      : `scheduled, due in ${duration(this.#dueAt - Date.now())}`
  }
}
