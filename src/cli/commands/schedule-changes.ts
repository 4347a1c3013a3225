import type { Command } from 'commander'
import { examples, type Session } from '#cli/session.ts'
import { moment } from '#cli/text.ts'
import {
  DeleteTaskScheduleDocument,
  PauseTaskScheduleDocument,
  payloadOf,
  ResumeTaskScheduleDocument,
  RunTaskScheduleDocument,
  StopTaskScheduleDocument,
} from '#client/index.ts'

export function addSchedulePauseCommand(parent: Command, session: Session): void {
  const command = parent
    .command('pause <id>')
    .summary('create no runs until it is resumed')
    .description('Pauses a schedule: it creates no further runs until it is resumed; those that run go on.')
    .option('--reason <text>', 'why, for those who look at it later')
    .addHelpText('after', () => examples(`${session.invocation} schedule pause 0197e2c4-… --reason 'release freeze'`))
  session.api(command, async ({ client, output, json }, { reason }: { reason?: string }, id: string) => {
    const input = { id, reason }
    const { schedule } = payloadOf((await client.request(PauseTaskScheduleDocument, { input })).pauseTaskSchedule)
    if (json) output.document(schedule)
    else output.line(`Schedule ${id} is paused.`)
  })
}

export function addScheduleResumeCommand(parent: Command, session: Session): void {
  const command = parent
    .command('resume <id>')
    .summary('create runs again')
    .description(
      'Resumes a schedule that is paused or has failed. One that has failed runs with your rights from then on.',
    )
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const request = client.request(ResumeTaskScheduleDocument, { input: { id } })
    const { schedule } = payloadOf((await request).resumeTaskSchedule)
    if (json) return output.document(schedule)
    const next = schedule.nextRunAt === null ? '' : ` Next run: ${moment(schedule.nextRunAt)}.`
    output.line(`Schedule ${id} is active.${next}`)
  })
}

export function addScheduleRunCommand(parent: Command, session: Session): void {
  const command = parent
    .command('run <id>')
    .summary('create a run now')
    .description('Creates a run of a schedule now, with your rights and whatever its status, and prints its id.')
  session.api(command, async ({ client, output, json, invocation }, _options: object, id: string) => {
    const request = client.request(RunTaskScheduleDocument, { input: { id } })
    const { task } = payloadOf((await request).runTaskSchedule)
    if (json) return output.document(task)
    output.line(`Submitted: task ${task.id} (priority ${task.priority}).`)
    if (output.isTerminal) output.line(`Watch it: ${invocation} task watch ${task.id}`)
  })
}

export function addScheduleStopCommand(parent: Command, session: Session): void {
  const command = parent
    .command('stop <id>')
    .summary('end it, and keep it with its runs')
    .description('Ends a schedule: it has no further runs, and can still be shown with those that it had.')
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const request = client.request(StopTaskScheduleDocument, { input: { id } })
    const { schedule } = payloadOf((await request).stopTaskSchedule)
    if (json) output.document(schedule)
    else output.line(`Schedule ${id} has ended.`)
  })
}

export function addScheduleRemoveCommand(parent: Command, session: Session): void {
  const command = parent
    .command('remove <id>')
    .alias('rm')
    .summary('delete it; its runs stay')
    .description('Deletes a schedule. Tasks that it created stay, and those that wait still run.')
  session.api(command, async ({ client, output, json }, _options: object, id: string) => {
    const request = client.request(DeleteTaskScheduleDocument, { input: { id } })
    const payload = payloadOf((await request).deleteTaskSchedule)
    if (json) output.document({ id: payload.id })
    else output.line(`Schedule ${id} is deleted.`)
  })
}
