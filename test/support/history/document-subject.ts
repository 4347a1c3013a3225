import fc from 'fast-check'
import { get, type ToldWrite, write } from '#test/support/documents.ts'
import type { TestServer } from '#test/support/server.ts'
import { type DocumentAnswer, type DocumentAsked, documentModel } from './document-model.ts'
import type { Subject } from './subject.ts'

type Asking = (known: number) => DocumentAsked

const value = fc.nat(3)
/** A version not long before the known one, which may be a deletion, or the one that is there. */
const earlier = (known: number, by: number) => Math.max(1, known - by)

export const documentSubject: Subject<string, DocumentAsked, DocumentAnswer> = {
  name: 'documents',
  model: documentModel,
  keys: ['h|x/y z', 'h/x y|z', 'h/x|y z'],
  asked: fc.oneof<fc.WeightedArbitrary<Asking>[]>(
    { weight: 9, arbitrary: fc.constant(() => ({ kind: 'get' })) },
    { weight: 2, arbitrary: value.map((value) => () => ({ kind: 'put', value })) },
    { weight: 2, arbitrary: value.map((value) => (expected) => ({ kind: 'put', value, expected })) },
    { weight: 2, arbitrary: value.map((value) => () => ({ kind: 'put', value, expected: 0 })) },
    { weight: 1, arbitrary: fc.constant(() => ({ kind: 'delete' })) },
    { weight: 1, arbitrary: fc.constant((expected) => ({ kind: 'delete', expected })) },
    { weight: 1, arbitrary: value.map((by) => (known) => ({ kind: 'restore', version: earlier(known, by) })) },
    {
      weight: 1,
      arbitrary: value.map((by) => (known) => ({ kind: 'restore', version: earlier(known, by), expected: known })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(value, value).map(([from, to]) => () => ({ kind: 'patch', from, to })),
    },
  ),
  ask: async (server, key, asked) => answerOf(asked, await askDocument(server, key, asked)),
  versionsSql: `SELECT collection || '|' || key AS key, version FROM document_history ORDER BY collection, key, version`,
  toldSql: `
    SELECT data->>'collection' || '|' || (data->>'key') AS key, (data->>'version')::int AS version FROM journal
    WHERE type LIKE 'document.%' ORDER BY xid, seq`,
}

/** The document that a key of this subject stands for: its collection and its key, with what no name holds between them. */
function nameOf(key: string): { collection: string; key: string } {
  const [collection = '', rest = ''] = key.split('|')
  return { collection, key: rest }
}

async function askDocument(
  server: Pick<TestServer, 'url' | 'token'>,
  label: string,
  asked: DocumentAsked,
): Promise<ToldWrite> {
  const name = nameOf(label)
  switch (asked.kind) {
    case 'get': {
      const document = await get(server, name.key, name)
      return document === null ? { code: 'NOT_FOUND' } : { document }
    }
    case 'put':
      return write(server, 'putDocument', { ...name, data: asked.value, expectedVersion: asked.expected })
    case 'delete':
      return write(server, 'deleteDocument', { ...name, expectedVersion: asked.expected })
    case 'restore':
      return write(server, 'restoreDocument', { ...name, version: asked.version, expectedVersion: asked.expected })
    case 'patch': {
      const test = { op: 'test', path: '', value: asked.from }
      return write(server, 'patchDocument', {
        ...name,
        jsonPatch: [test, { op: 'replace', path: '', value: asked.to }],
      })
    }
  }
}

function answerOf({ kind }: DocumentAsked, { document, code }: ToldWrite): DocumentAnswer {
  if (document !== undefined) {
    const { version, deleted, data: value } = document
    if (kind === 'get') return { kind: 'got', value, version }
    return { kind: 'written', version, ...(!deleted && { value }) }
  }
  if (code === 'NOT_FOUND') return { kind: 'none' }
  if (code === 'VERSION_CONFLICT' || code === 'PATCH_FAILED') return { kind: 'conflict' }
  throw new Error(`unexpected: ${code}`)
}
