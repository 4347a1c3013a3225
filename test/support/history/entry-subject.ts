import fc from 'fast-check'
import { entriesOf, type Outcome } from '#test/support/entries.ts'
import type { TestServer } from '#test/support/server.ts'
import { type EntryAnswer, type EntryAsked, type EntryState, entryModel } from './entry-model.ts'
import type { Subject } from './subject.ts'

type Asking = (known: number) => EntryAsked

const value = fc.nat(3)

export const entrySubject: Subject<EntryState, EntryAsked, EntryAnswer> = {
  name: 'entries',
  model: entryModel,
  keys: ['history/a b', 'history/a/b', 'history/a:b'],
  asked: fc.oneof<fc.WeightedArbitrary<Asking>[]>(
    { weight: 9, arbitrary: fc.constant(() => ({ kind: 'get' })) },
    { weight: 2, arbitrary: value.map((value) => () => ({ kind: 'set', value })) },
    { weight: 2, arbitrary: value.map((value) => (ifVersion) => ({ kind: 'set', value, ifVersion })) },
    { weight: 2, arbitrary: value.map((value) => () => ({ kind: 'set', value, ifVersion: 0 })) },
    { weight: 1, arbitrary: fc.constant(() => ({ kind: 'delete' })) },
    { weight: 1, arbitrary: fc.constant(() => ({ kind: 'increment' })) },
    {
      weight: 1,
      arbitrary: fc.tuple(value, value).map(([from, to]) => () => ({ kind: 'swap', from, to })),
    },
  ),
  ask: askEntries,
  versionsSql: 'SELECT key, version FROM entry_version ORDER BY key, version',
  toldSql: `
    SELECT replace(subject, 'entry:', '') AS key, (data->>'version')::int AS version FROM journal
    WHERE subject LIKE 'entry:%' ORDER BY xid, seq`,
}

async function askEntries(
  server: Pick<TestServer, 'url' | 'token'>,
  key: string,
  asked: EntryAsked,
): Promise<EntryAnswer> {
  const entries = entriesOf(server)
  switch (asked.kind) {
    case 'get': {
      const entry = await entries.get(key)
      return entry === null ? { kind: 'none' } : { kind: 'got', value: entry.value, version: entry.version }
    }
    case 'set': {
      const { value, ifVersion } = asked
      return answerOf(await entries.set(key, value, { ifVersion }))
    }
    case 'delete':
      return answerOf(await entries.remove(key))
    case 'increment':
      return answerOf(await entries.increment(key))
    case 'swap': {
      const { succeeded, written } = await entries.transact({
        checks: [{ key, value: { is: asked.from } }],
        writes: [{ set: { key, value: asked.to } }],
      })
      const [one] = written ?? []
      return succeeded && one?.entry
        ? { kind: 'written', version: one.version, value: one.entry.value }
        : { kind: 'conflict' }
    }
  }
}

function answerOf({ entry, version, code }: Outcome): EntryAnswer {
  if (entry !== undefined) return { kind: 'written', version: entry.version, value: entry.value }
  if (version !== undefined) return { kind: 'written', version }
  if (code === 'NOT_FOUND') return { kind: 'none' }
  if (code === 'VERSION_CONFLICT' || code === 'NOT_A_NUMBER') return { kind: 'conflict' }
  throw new Error(`unexpected: ${code}`)
}
