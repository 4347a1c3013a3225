import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { type CollectionOption, inCollection } from '#cli/document-options.ts'
import { editable, placeOf, tellDifference, versionText } from '#cli/document-text.ts'
import { CommandFailure, exitCodeOf, exitCodes } from '#cli/exit-codes.ts'
import { parseJson } from '#cli/input.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { DocumentDocument, PutDocumentDocument, payloadOf } from '#client/index.ts'

export function addDocEditCommand(parent: Command, session: Session): void {
  const command = inCollection(parent.command('edit <key>'))
    .summary('change a document in an editor')
    .description(
      'Opens what a document holds in $VISUAL, $EDITOR or vi, and writes it back when nobody else has written meanwhile. ' +
        'What can’t be written stays in a file.',
    )
    .addHelpText('after', () => examples(`EDITOR='code --wait' ${session.invocation} doc edit web -c releases/prod`))
  session.api(command, (api, options: CollectionOption, key: string) => edit(api, session.editor, options, key))
}

async function edit(api: Api, editor: string, { collection }: CollectionOption, key: string): Promise<void> {
  const { document } = await api.client.request(DocumentDocument, { collection, key })
  const before = document?.data ?? {}
  const file = join(await mkdtemp(join(tmpdir(), 'signalbox-doc-')), 'document.json')
  await writeFile(file, editable(before), { mode: 0o600 })
  try {
    await openEditor(editor, file)
    const after = parseJson(await readFile(file, 'utf8'), 'What was written')
    await write(api, { collection, key, data: after, expectedVersion: document?.version ?? 0 }, before)
  } catch (cause) {
    throw new CommandFailure(
      `${(cause as Error).message}\nNothing is lost: what you wrote is in ${file}. To write it after all:\n` +
        `  ${api.invocation} doc put ${key} -c ${collection} --file ${file}`,
      exitCodeOf(cause) === exitCodes.bug ? exitCodes.failed : exitCodeOf(cause),
      { cause },
    )
  }
  await rm(dirname(file), { recursive: true })
}

interface Written {
  readonly collection: string
  readonly key: string
  readonly data: unknown
  readonly expectedVersion: number
}

async function write({ client, output, json }: Api, input: Written, before: unknown): Promise<void> {
  const isNew = input.expectedVersion === 0
  if (!isNew && JSON.stringify(before) === JSON.stringify(input.data)) return output.remark('Nothing was changed.')
  const { document } = payloadOf((await client.request(PutDocumentDocument, { input })).putDocument)
  if (json) return output.document(document)
  const name = `version ${input.expectedVersion}`
  tellDifference(output, { name, value: before }, { name: `version ${document.version}`, value: document.data })
  output.line(`${placeOf(document)} is written: ${versionText(document)}.`)
}

/** Waits until the editor, a command of the shell, is closed. */
async function openEditor(editor: string, file: string): Promise<void> {
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code !== 0) throw new CommandFailure(`The editor has failed (${editor}: ${signal ?? code}).`, exitCodes.failed)
}
