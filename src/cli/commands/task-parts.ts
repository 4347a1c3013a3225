import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { SignalboxError, TaskPartBytesDocument, TaskPartsDocument } from '#client/index.ts'
import { partTable } from './task-show.ts'

/** What the API gives at once. */
const stretchBytes = 1024 * 1024

export function addTaskPartsCommand(parent: Command, session: Session): void {
  const command = parent
    .command('parts <id> [name]')
    .summary('named pieces of a result, also while the task runs')
    .description('Lists the parts of a task’s result; with a name, writes that part to standard output unchanged.')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} task parts 0197e2c4-…`,
        `${session.invocation} task parts 0197e2c4-… report.pdf > report.pdf`,
      ),
    )
  session.api(command, async (api, _options: object, id: string, name: string | undefined) => {
    if (name !== undefined) return write(api, id, name)
    const { parts } = found((await api.client.request(TaskPartsDocument, { id })).task, `task ${id}`)
    if (api.json) api.output.document(parts)
    else if (parts.length === 0) api.output.remark('No parts.')
    else partTable(api.output, parts)
  })
}

async function write({ client, output, json }: Api, id: string, name: string): Promise<void> {
  const stretches: Buffer[] = []
  for (let offset = 0; ; offset += stretchBytes) {
    const { bytes, ...part } = await readStretch(client, id, name, offset)
    const stretch = Buffer.from(bytes, 'base64')
    if (json) stretches.push(stretch)
    else await new Promise<void>((resolve) => process.stdout.write(stretch, () => resolve()))
    if (stretch.length < stretchBytes) {
      if (json) output.document({ ...part, base64: Buffer.concat(stretches).toString('base64') })
      return
    }
  }
}

async function readStretch(client: Api['client'], id: string, name: string, offset: number) {
  const { task } = await client.request(TaskPartBytesDocument, { id, name, offset, length: stretchBytes })
  const { part } = found(task, `task ${id}`)
  if (part === null) throw new SignalboxError(`Task ${id} has no part "${name}".`, { code: 'NOT_FOUND' })
  return part
}
