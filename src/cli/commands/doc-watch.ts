import type { Command } from 'commander'
import { placeOf } from '#cli/document-text.ts'
import { parseJson } from '#cli/input.ts'
import { interruption } from '#cli/interrupt.ts'
import type { Output, Style } from '#cli/output.ts'
import { reconnectionRemarks } from '#cli/reconnection.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { columnsOf, moment, printable, shorten } from '#cli/text.ts'
import { type DocumentChange, type DocumentFilter, followDocuments } from '#client/index.ts'

interface WatchOptions {
  readonly where?: string
  readonly after?: string
}

const styles: Partial<Record<DocumentChange['kind'], Style>> = { ENTER: 'green', UPDATE: 'yellow', DELETE: 'red' }

export function addDocWatchCommand(parent: Command, session: Session): void {
  const command = parent
    .command('watch [pattern]')
    .summary('what is there, and what happens to it')
    .description(
      'Shows the documents that match, then each change, until Ctrl-C, across restarts of the server. The path ' +
        'pattern is about collections; those of "default" without one.',
    )
    .option('--where <filter>', 'a filter as the API has it, in JSON')
    .option('--after <cursor>', 'only changes after this cursor')
    .addHelpText('after', () => examples(`${session.invocation} doc watch 'releases/**' --json`))
  session.api(command, watch)
}

async function watch(api: Api, { where, after }: WatchOptions, pattern = 'default'): Promise<number> {
  using interrupted = interruption()
  const filter = where === undefined ? undefined : (parseJson(where, '--where') as DocumentFilter)
  const remarks = reconnectionRemarks((text) => api.output.remark(text))
  const options = { after, signal: interrupted.signal, ...remarks }
  try {
    for await (const change of followDocuments(api.client, { in: pattern, where: filter }, options)) {
      if (api.json) api.output.record(change)
      else tell(api.output, change)
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error
    throw interrupted.signal.reason
  }
  return 0
}

function tell(output: Output, { kind, at, collection, key, document }: DocumentChange): void {
  if (kind === 'CAUGHT_UP') return output.remark('That is what is there; now follows what happens.')
  const place = key === null ? printable(collection ?? '') : placeOf({ collection: collection ?? '', key })
  const version = document === null ? '' : `  version ${document.version}`
  const style = styles[kind] ?? 'dim'
  const head = `${output.styled('dim', moment(at))}  ${output.styled(style, kind.toLowerCase())}  ${place}${version}`
  const room = output.columns - columnsOf(head) - 2
  const rest = document === null || document.deleted ? '' : printable(JSON.stringify(document.data))
  output.line(rest === '' || room < 10 ? head : `${head}  ${shorten(rest, room)}`)
}
