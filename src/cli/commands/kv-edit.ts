import type { Command } from 'commander'
import { withDraft } from '#cli/editor.ts'
import { parseJson } from '#cli/input.ts'
import { editable, jsonDiff } from '#cli/json-diff.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import { EntryDetailsDocument, payloadOf, SetEntryDocument, SignalboxError } from '#client/index.ts'

export function addKvEditCommand(parent: Command, session: Session): void {
  const command = parent
    .command('edit <key>')
    .summary('change an entry in your editor')
    .description(
      'Opens the value in VISUAL or EDITOR, and keeps it when the file is saved. If somebody else has changed the entry ' +
        'meanwhile, nothing is overwritten: their change is shown, and your text stays in its file.',
    )
    .addHelpText('after', () => examples(`EDITOR=nano ${session.invocation} kv edit flags/checkout`))
  session.api(command, edit)
}

async function edit(api: Api, _options: object, key: string): Promise<void> {
  const { client, output, json, env } = api
  const { entry } = await client.request(EntryDetailsDocument, { key })
  const before = entry?.value
  const text = before === undefined ? '' : editable(before)
  const again = (file: string) => `${api.invocation} kv set ${key} --file ${file}`
  await withDraft({ name: 'entry.json', text, env, again }, async (draft) => {
    const value = parseJson(await draft.edit(), 'What was written')
    const lines = jsonDiff(output, before, value)
    if (entry != null && lines.length === 0) return output.remark('Nothing was changed.')
    const ttlMs = entry?.expiresAt == null ? undefined : Math.max(1, Date.parse(entry.expiresAt) - Date.now())
    const changed = await keep(api, { key, value, ifVersion: entry?.version ?? 0, ttlMs }, before)
    if (json) return output.document(changed)
    for (const line of lines) output.line(line)
    output.remark(`${printable(key)} is now at version ${changed.version}.`)
  })
}

async function keep(
  { client, output }: Api,
  input: { key: string; value: unknown; ifVersion: number; ttlMs: number | undefined },
  before: unknown,
) {
  try {
    return payloadOf((await client.request(SetEntryDocument, { input })).setEntry).entry
  } catch (error) {
    if (error instanceof SignalboxError && error.code === 'VERSION_CONFLICT') {
      const { entry } = await client.request(EntryDetailsDocument, { key: input.key })
      output.remark('It was changed in the meantime:')
      for (const line of jsonDiff(output, before, entry?.value)) output.remark(line)
    }
    throw error
  }
}
