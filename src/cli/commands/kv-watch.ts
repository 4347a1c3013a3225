import type { Command } from 'commander'
import { interruption } from '#cli/interrupt.ts'
import { jsonDiff } from '#cli/json-diff.ts'
import type { Output } from '#cli/output.ts'
import { reconnectionRemarks } from '#cli/reconnection.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { moment, printable } from '#cli/text.ts'
import { type EntryChange, followEntries } from '#client/index.ts'

export function addKvWatchCommand(parent: Command, session: Session): void {
  const command = parent
    .command('watch [prefix]')
    .summary('what entries there are, and what happens to them')
    .description(
      'Shows the entries whose keys begin with the prefix, then each change with its difference, until ' +
        'Ctrl-C, across restarts of the server. With --json: one change a line.',
    )
    .option('--after <cursor>', 'continue after this cursor, with the changes since')
    .addHelpText('after', () => examples(`${session.invocation} kv watch flags/ --json`))
  session.api(command, watch)
}

async function watch({ client, output, json }: Api, { after }: { after?: string }, prefix = ''): Promise<number> {
  using interrupted = interruption()
  const { signal } = interrupted
  const known = new Map<string, unknown>()
  try {
    for await (const change of followEntries(client, prefix, {
      after,
      signal,
      ...reconnectionRemarks((text) => output.remark(text)),
    })) {
      if (json) output.record(change)
      else tell(output, change, known)
    }
  } catch (error) {
    if (!signal.aborted) throw error
    throw signal.reason
  }
  return 0
}

/** How many values are remembered at most, to show what is different. */
const maxKnown = 10_000

function tell(
  output: Output,
  { kind, key, version, value, hasValue, at, actor }: EntryChange,
  known: Map<string, unknown>,
): void {
  if (key === null) return
  const what = kind === 'STATE' || kind === 'SET' ? '' : `  ${kind.toLowerCase()}`
  const head = `${output.styled('dim', moment(at))}  ${output.styled('cyan', printable(key))}  version ${version}${what}`
  output.line(`${head}  ${printable(actor?.name ?? '')}`.trimEnd())
  if (hasValue && known.has(key)) for (const line of jsonDiff(output, known.get(key), value)) output.line(`  ${line}`)
  else if (hasValue) output.line(`  ${output.value(value).replaceAll('\n', '\n  ')}`)
  if (hasValue && (known.has(key) || known.size < maxKnown)) known.set(key, value)
  else known.delete(key)
}
