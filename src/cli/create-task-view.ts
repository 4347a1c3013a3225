import type { TaskSummaryFragment } from '#client/index.ts'
import { LiveTaskView } from './live-task-view.ts'
import type { Output } from './output.ts'
import { PlainTaskView } from './plain-task-view.ts'
import type { TaskView } from './task-view.ts'

/** The view that suits the reader: a screen, a pipe, or a program. */
export function createTaskView(output: Output, task: TaskSummaryFragment, json: boolean): TaskView {
  if (json) return jsonView(output)
  return output.isTerminal ? new LiveTaskView(output, task) : new PlainTaskView(output)
}

/** The updates as the API gives them, one a line, and at the end `{ "kind": "END", "task": … }`. */
function jsonView(output: Output): TaskView {
  return {
    isForPeople: false,
    update: (update) => output.record(update),
    log() {},
    attemptFailed() {},
    remark: (text) => output.remark(text),
    end: (task) => output.record({ kind: 'END', task }),
    close() {},
  }
}
