import type { Command } from 'commander'
import { exitCodes } from '#cli/exit-codes.ts'
import type { Output, Style } from '#cli/output.ts'
import type { Finding } from '#cli/server-commands.ts'
import { jsonOption, type Session } from '#cli/session.ts'
import { columnsOf, pad } from '#cli/text.ts'

const styles: Record<Finding['status'], Style> = { ok: 'green', warning: 'yellow', problem: ['red', 'bold'] }

export function addDoctorCommand(parent: Command, session: Session): void {
  parent
    .command('doctor')
    .summary('check this installation')
    .description(
      'Checks the configuration, the data directory, the database, the port and the tools of the installation in this ' +
        'directory, and changes nothing. It may run beside the server. Exit code 1 when there is a problem.',
    )
    .option(
      '--config <file>',
      'the configuration file that serve is given (default: SIGNALBOX_CONFIG, else the one here)',
    )
    .addOption(jsonOption())
    .action(async ({ json, config }: { json?: boolean; config?: string }) => {
      const findings = await session.server.doctor({ configFile: config })
      const count = (status: Finding['status']) => findings.filter((finding) => finding.status === status).length
      const totals = { problems: count('problem'), warnings: count('warning') }
      if (json) session.output.document({ ...totals, findings })
      else report(session.output, findings, totals)
      session.exitCode = totals.problems > 0 ? exitCodes.failed : exitCodes.ok
    })
}

function report(output: Output, findings: readonly Finding[], totals: { problems: number; warnings: number }): void {
  const width = Math.max(...findings.map(({ check }) => columnsOf(check)))
  for (const { check, status, message, advice } of findings) {
    output.line(`${output.styled(styles[status], pad(status, 7))}  ${pad(check, width)}  ${message}`)
    if (advice !== undefined) output.line(`${' '.repeat(11 + width)}→ ${advice}`)
  }
  output.line()
  output.line(verdict(totals))
}

function verdict({ problems, warnings }: { problems: number; warnings: number }): string {
  if (problems > 0) return `${plural(problems, 'problem')}, ${plural(warnings, 'warning')}.`
  return warnings > 0 ? `No problem, ${plural(warnings, 'warning')}.` : 'All is well.'
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
