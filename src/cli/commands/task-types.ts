import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { inputFields } from '#cli/input-fields.ts'
import type { Output } from '#cli/output.ts'
import { examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { TaskTypesDocument, type TaskTypesQuery } from '#client/index.ts'

type TaskType = TaskTypesQuery['taskTypes'][number]

export function addTaskTypesCommand(parent: Command, session: Session): void {
  const command = parent
    .command('types [name]')
    .summary('what can be handed in')
    .description('Lists the task types of the server; with a name, shows the input of that type.')
    .addHelpText('after', () => examples(`${session.invocation} task types`, `${session.invocation} task types probe`))
  session.api(command, async ({ client, output, json, invocation }, _options: object, name: string | undefined) => {
    const { taskTypes } = await client.request(TaskTypesDocument, {})
    if (name !== undefined) {
      const type = pick(taskTypes, name)
      return json ? output.document(type) : describe(output, type, invocation)
    }
    if (json) return output.document(taskTypes)
    output.table(taskTypes, [
      { title: 'NAME', text: (type) => type.name },
      { title: 'PRIORITY', text: (type) => type.priority, optional: true },
      {
        title: 'INPUT',
        text: (type) =>
          inputFields(type.input)
            .map(({ name, isRequired }) => `${name}${isRequired ? '' : '?'}`)
            .join(', '),
        flexible: true,
      },
      { title: 'DESCRIPTION', text: (type) => printable(type.description), flexible: true },
    ])
  })
}

function pick(types: readonly TaskType[], name: string): TaskType {
  const type = types.find((candidate) => candidate.name === name)
  if (type !== undefined) return type
  const known = types.map((candidate) => candidate.name).join(', ')
  throw new CommandFailure(`There is no task type "${name}". Known types: ${known}.`)
}

function describe(output: Output, type: TaskType, invocation: string): void {
  const fields = inputFields(type.input)
  output.line(printable(type.description))
  output.line()
  output.properties([
    ['name', type.name],
    ['priority', type.priority],
    ['secrets', type.secrets.length > 0 ? type.secrets.join(', ') : undefined],
  ])
  output.line()
  if (fields.length > 0) {
    output.table(fields, [
      { title: 'INPUT', text: ({ name }) => name },
      { title: 'TYPE', text: ({ type }) => type, flexible: true },
      {
        title: 'REQUIRED',
        text: ({ isRequired, fallback }) => (isRequired ? 'yes' : fallback === undefined ? 'no' : `no: ${fallback}`),
      },
      { title: 'MEANING', text: ({ description }) => printable(description), flexible: true },
    ])
    output.line()
  }
  const settings = fields.filter(({ isRequired }) => isRequired).map(({ name }) => ` --set ${name}=…`)
  output.line(`${invocation} task submit ${type.name}${settings.join('')} --watch`)
}
