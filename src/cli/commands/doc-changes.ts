import type { Command } from 'commander'
import { readValue, readVersion, type WriteOptions, withTtl, writing } from '#cli/document-options.ts'
import { placeOf, versionText } from '#cli/document-text.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import {
  DeleteDocumentDocument,
  type DocumentDetailsFragment,
  PatchDocumentDocument,
  PutDocumentDocument,
  payloadOf,
  RestoreDocumentDocument,
} from '#client/index.ts'

interface ValueOptions extends WriteOptions {
  readonly file?: string
}

export function addDocPutCommand(parent: Command, session: Session): void {
  const command = withTtl(writing(parent.command('put <key> [value]')))
    .summary('create a document, or replace its value')
    .description('Creates a document, or replaces its value: JSON, as an argument or in a file.')
    .option('--file <path>', 'the value is in this file; -: standard input')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} doc put web '{"image": "web:1.4.2"}' -c releases/prod`,
        `${session.invocation} doc put web --file web.json -c releases/prod --if-version 3`,
      ),
    )
  session.api(command, put)
}

async function put(api: Api, options: ValueOptions, key: string, value?: string): Promise<void> {
  const { collection, ifVersion: expectedVersion, ttl: ttlMs, fence, file } = options
  const input = { collection, key, data: await readValue(value, file), expectedVersion, ttlMs, fence }
  tell(api, payloadOf((await api.client.request(PutDocumentDocument, { input })).putDocument).document, 'was written')
}

export function addDocPatchCommand(parent: Command, session: Session): void {
  const command = withTtl(writing(parent.command('patch <key> [patch]')))
    .summary('change part of a document')
    .description(
      'Changes part of a document: a list is a JSON Patch (RFC 6902), anything else a JSON Merge Patch (RFC 7396).',
    )
    .option('--file <path>', 'the patch is in this file; -: standard input')
    .addHelpText('after', () =>
      examples(
        `${session.invocation} doc patch web '{"image": "web:1.4.3", "note": null}'`,
        `${session.invocation} doc patch web '[{"op": "add", "path": "/tags/-", "value": "live"}]'`,
      ),
    )
  session.api(command, patch)
}

async function patch(api: Api, options: ValueOptions, key: string, text?: string): Promise<void> {
  const { collection, ifVersion: expectedVersion, ttl: ttlMs, fence, file } = options
  const given = await readValue(text, file)
  const change = Array.isArray(given) ? { jsonPatch: given } : { mergePatch: given }
  const input = { collection, key, ...change, expectedVersion, ttlMs, fence }
  tell(
    api,
    payloadOf((await api.client.request(PatchDocumentDocument, { input })).patchDocument).document,
    'was changed',
  )
}

export function addDocDeleteCommand(parent: Command, session: Session): void {
  const command = writing(parent.command('delete <key>'))
    .alias('rm')
    .summary('delete a document')
    .description('Deletes a document; its versions stay, and can be restored.')
  session.api(command, async (api, options: WriteOptions, key: string) => {
    const { collection, ifVersion: expectedVersion, fence } = options
    const { deleteDocument } = await api.client.request(DeleteDocumentDocument, {
      input: { collection, key, expectedVersion, fence },
    })
    tell(api, payloadOf(deleteDocument).document, 'was deleted')
  })
}

export function addDocRestoreCommand(parent: Command, session: Session): void {
  const command = writing(parent.command('restore <key> <version>'))
    .summary('restore an earlier version')
    .description('Restores an earlier version as a new one; also of a deleted document.')
  session.api(command, async (api, options: WriteOptions, key: string, version: string) => {
    const { collection, ifVersion: expectedVersion, fence } = options
    const input = { collection, key, version: readVersion(version), expectedVersion, fence }
    const { restoreDocument } = await api.client.request(RestoreDocumentDocument, { input })
    tell(api, payloadOf(restoreDocument).document, `is at version ${version} again`)
  })
}

function tell({ output, json }: Api, document: DocumentDetailsFragment, what: string): void {
  if (json) output.document(document)
  else output.line(`${placeOf(document)} ${what}: ${versionText(document)}.`)
}
