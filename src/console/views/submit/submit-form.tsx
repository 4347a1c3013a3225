import { type FormEvent, useState } from 'react'
import type { Priority, SubmitTaskInput, TaskDetailsQuery } from '#client/browser.ts'
import { useSubmit } from '#client/react/index.ts'
import { ApiHelp, shellText } from '#console/ui/api-help.tsx'
import { Button } from '#console/ui/button.tsx'
import { Field } from '#console/ui/field.tsx'
import { JsonField, parseJson } from '#console/ui/json-field.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { sentence } from '#console/ui/status.tsx'
import { fieldsOf, type Schema } from './schema-fields.ts'
import { SchemaForm } from './schema-form.tsx'
import type { TaskType } from './submit.tsx'

const priorities: readonly Priority[] = ['CRITICAL', 'NORMAL', 'BATCH']

export interface SubmitFormProps {
  readonly type: TaskType
  /** A task whose input the form begins with. */
  readonly from: NonNullable<TaskDetailsQuery['task']> | undefined
  readonly onSubmitted: (id: string) => void
}

/** The input of a task and how it is run, as a form or as JSON. */
export function SubmitForm({ type, from, onSubmitted }: SubmitFormProps) {
  const fields = fieldsOf(type.input as Schema)
  const [isText, setText] = useState(fields === undefined)
  const [text, setInput] = useState(() => JSON.stringify(from?.input ?? {}, null, 2))
  const [options, setOptions] = useState<Options>(() => optionsOf(from))
  // A task that is sent again after an outage runs once.
  const [idempotencyKey, setKey] = useState(() => crypto.randomUUID())
  const { submit, isSubmitting, error } = useSubmit()
  const input = parseJson(text)
  const task = taskOf(type, input?.value, options)

  async function send(event: FormEvent) {
    event.preventDefault()
    if (input === undefined) return
    const submitted = await submit({ ...task, idempotencyKey })
    if (submitted !== undefined) return onSubmitted(submitted.id)
    // What was refused is another task once it is corrected.
    setKey(crypto.randomUUID())
  }

  return (
    <>
      <div className="split">
        <form className="stack" onSubmit={(event) => void send(event)}>
          <Card
            title="Input"
            actions={
              fields && (
                <Button small onClick={() => setText(!isText)}>
                  {isText ? 'As a form' : 'As JSON'}
                </Button>
              )
            }
          >
            {isText || fields === undefined ? (
              <JsonField label="Input as JSON" text={text} onChange={setInput} />
            ) : (
              <SchemaForm
                fields={fields}
                value={(input?.value ?? {}) as Record<string, unknown>}
                onChange={(value) => setInput(JSON.stringify(value, null, 2))}
                issues={error?.issues ?? []}
              />
            )}
            {fields?.length === 0 && !isText && <p className="soft">This type takes no input.</p>}
          </Card>
          <OptionsCard type={type} options={options} onChange={setOptions} />
          <ErrorNote error={error} />
          <div className="row">
            <Button primary isBusy={isSubmitting} disabled={input === undefined}>
              Submit
            </Button>
          </div>
        </form>
        <Card title={type.name}>
          <p>{type.description}</p>
          {from && <p className="soft">The input is that of task {from.id}.</p>}
        </Card>
      </div>
      <ApiHelp {...helpFor(task)} />
    </>
  )
}

interface Options {
  readonly priority: string
  readonly labels: string
  readonly runAt: string
}

function optionsOf(from: SubmitFormProps['from']): Options {
  const labels = Object.entries((from?.labels ?? {}) as Record<string, string>)
  return {
    priority: from?.priority ?? '',
    labels: labels.map(([name, value]) => `${name}=${value}`).join('\n'),
    runAt: '',
  }
}

interface OptionsCardProps {
  readonly type: TaskType
  readonly options: Options
  readonly onChange: (options: Options) => void
}

function OptionsCard({ type, options, onChange }: OptionsCardProps) {
  return (
    <Card title="How it is run">
      <Field label="Priority">
        {(id) => (
          <select
            id={id}
            value={options.priority}
            onChange={(event) => onChange({ ...options, priority: event.target.value })}
          >
            <option value="">Default: {sentence(type.priority)}</option>
            {priorities.map((priority) => (
              <option key={priority} value={priority}>
                {sentence(priority)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Labels" hint="One a line, as name=value.">
        {(id, describedBy) => (
          <textarea
            id={id}
            rows={2}
            aria-describedby={describedBy}
            value={options.labels}
            onChange={(event) => onChange({ ...options, labels: event.target.value })}
          />
        )}
      </Field>
      <Field label="Run at" hint="In your local time; empty: as soon as possible.">
        {(id, describedBy) => (
          <input
            id={id}
            type="datetime-local"
            aria-describedby={describedBy}
            value={options.runAt}
            onChange={(event) => onChange({ ...options, runAt: event.target.value })}
          />
        )}
      </Field>
    </Card>
  )
}

function taskOf({ name }: TaskType, input: unknown, { priority, labels, runAt }: Options): SubmitTaskInput {
  const pairs = labels
    .split('\n')
    .map((line) => /^\s*([^=]+?)\s*=(.*)$/.exec(line))
    .flatMap((match) => (match?.[1] === undefined ? [] : [[match[1], (match[2] ?? '').trim()] as const]))
  return {
    type: name,
    input: input ?? {},
    ...(priority !== '' && { priority: priority as Priority }),
    ...(pairs.length > 0 && { labels: Object.fromEntries(pairs) }),
    ...(runAt !== '' && { runAt: new Date(runAt).toISOString() }),
  }
}

function helpFor(task: SubmitTaskInput) {
  const { type, input, priority, labels, runAt } = task
  const pairs = Object.entries((labels ?? {}) as Record<string, string>)
  const options = [
    ...(priority ? [` --priority ${priority.toLowerCase()}`] : []),
    ...pairs.map(([name, value]) => ` --label ${shellText(`${name}=${value}`)}`),
    ...(runAt ? [` --run-at ${runAt}`] : []),
  ]
  return {
    graphql: `mutation ($input: SubmitTaskInput!) {
  submitTask(input: $input) {
    ... on SubmitTaskPayload { task { id status } }
    ... on Failure { code message }
  }
}

# variables
${JSON.stringify({ input: task }, null, 2)}`,
    rest: {
      method: 'POST',
      path: '/api/tasks',
      body: {
        type,
        data: input,
        ...(priority && { priority: priority.toLowerCase() }),
        ...(labels != null && { labels }),
      },
    },
    cli: `signalbox task submit ${type} --input ${shellText(JSON.stringify(input))}${options.join('')} --watch`,
  }
}
