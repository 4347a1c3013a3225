import type { Command } from 'commander'
import { type CollectionOption, inCollection } from '#cli/document-options.ts'
import { placeOf, tellDifference, versionText } from '#cli/document-text.ts'
import { withDraft } from '#cli/editor.ts'
import { parseJson } from '#cli/input.ts'
import { editable } from '#cli/json-diff.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { DocumentDocument, PutDocumentDocument, payloadOf } from '#client/index.ts'

export function addDocEditCommand(parent: Command, session: Session): void {
  const command = inCollection(parent.command('edit <key>'))
    .summary('change a document in an editor')
    .description(
      'Opens a document in $VISUAL, $EDITOR or vi, and writes it back unless somebody else has changed it in the meantime. ' +
        'What can’t be written stays in a file.',
    )
    .addHelpText('after', () => examples(`EDITOR='code --wait' ${session.invocation} doc edit web -c releases/prod`))
  session.api(command, edit)
}

async function edit(api: Api, { collection }: CollectionOption, key: string): Promise<void> {
  const { document } = await api.client.request(DocumentDocument, { collection, key })
  const before = document?.data ?? {}
  const again = (file: string) => `${api.invocation} doc put ${key} -c ${collection} --file ${file}`
  await withDraft({ name: 'document.json', text: editable(before), env: api.env, again }, async (draft) => {
    const after = parseJson(await draft.edit(), 'What was written')
    await write(api, { collection, key, data: after, expectedVersion: document?.version ?? 0 }, before)
  })
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
  output.line(`${placeOf(document)} was written: ${versionText(document)}.`)
}
