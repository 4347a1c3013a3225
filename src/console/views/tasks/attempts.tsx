import type { TaskData } from '#client/react/index.ts'
import { duration, Time } from '#console/ui/time.tsx'

type Task = NonNullable<TaskData>

/** What happened to a task, attempt by attempt. */
export function Attempts({ task }: { readonly task: Task }) {
  const { attempts, status } = task
  return (
    <ol className="timeline">
      <li>
        Submitted <Time at={task.createdAt} />
      </li>
      {attempts.map((attempt) => (
        <Attempt key={attempt.number} attempt={attempt} isLast={attempt === attempts.at(-1)} task={task} />
      ))}
      {status === 'PENDING' && attempts.length > 0 && (
        <li className="busy">
          Next attempt <Time at={task.runAt} />
        </li>
      )}
      {status === 'PENDING' && attempts.length === 0 && <li className="busy">Waits for a worker</li>}
      {status === 'SCHEDULED' && (
        <li className="busy">
          Due <Time at={task.runAt} />
        </li>
      )}
      {status === 'CANCELLED' && (
        <li>
          Cancelled <Time at={task.finishedAt} />
        </li>
      )}
    </ol>
  )
}

interface AttemptProps {
  readonly attempt: Task['attempts'][number]
  readonly isLast: boolean
  readonly task: Task
}

function Attempt({ attempt, isLast, task }: AttemptProps) {
  const { number, startedAt, finishedAt, error } = attempt
  const isRunning = isLast && task.status === 'ACTIVE'
  const kind = error ? 'bad' : isRunning ? 'busy' : finishedAt ? 'good' : ''
  return (
    <li className={kind}>
      <strong>Attempt {number}</strong> <Time at={startedAt} />
      {finishedAt && <span className="soft">, took {duration(Date.parse(finishedAt) - Date.parse(startedAt))}</span>}
      {isRunning && <span className="soft">, running</span>}
      {error && (
        <div className="small">
          <strong>{error.code}</strong>: {error.message}
        </div>
      )}
    </li>
  )
}
