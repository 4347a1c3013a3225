import type { Caller } from '#domain/access/service.ts'
import { createBatcher } from '#lib/batcher.ts'
import { invalidValue } from '#lib/errors.ts'
import { behindPrefix, keyFault, prefixFault } from '#lib/key-rule.ts'
import { patternRegex } from '#lib/path-pattern.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { Journal } from '#platform/journal/journal.ts'
import { type EntryUpdate, followEntries } from './changes.ts'
import type { Entry } from './entry.ts'
import {
  type EntryName,
  findEntries,
  findVersionValue,
  type KeyRange,
  listEntries,
  listVersions,
  readStretch,
} from './store.ts'

/** Names of one read: what arrives while one is under way goes together in the next. */
const readTogether = 200
/** What is read at once of what a subscription begins with. */
const stretch = { entries: 200, bytes: 1024 * 1024 }
/** The last version that there can be, and one more. */
const behindAllVersions = 2 ** 31 - 1

/** What callers read of entries. */
export function createEntryReads({ sql, journal }: { sql: Sql; journal: Journal }) {
  const read = createBatcher<EntryName, Entry | undefined>({
    maxSize: readTogether,
    run: (names) => findEntries(sql, names),
  })

  /** The entry of this key, as it is after all that was answered before; undefined when there is none. @throws {InvalidInput} */
  async function find(caller: Caller, key: string): Promise<Entry | undefined> {
    caller.must('entries:read', key)
    mustBeKey(key)
    return read({ accountId: caller.accountId, key })
  }

  /** Up to `limit` entries whose keys begin with this, behind a key, by the bytes of their keys. @throws {InvalidInput} */
  async function list(caller: Caller, prefix: string, after: string, limit: number): Promise<Entry[]> {
    return listEntries(sql, caller.accountId, rangeOf(caller, prefix, after), limit)
  }

  /** Kept versions of an entry before this one, newest first; without one, all of them. */
  async function history(caller: Caller, key: string, before: number | undefined, limit: number) {
    caller.must('entries:read', key)
    return listVersions(sql, { accountId: caller.accountId, key }, before ?? behindAllVersions, limit)
  }

  /** @see followEntries */
  async function changes(
    caller: Caller,
    prefix: string,
    after: string | undefined,
  ): Promise<AsyncGenerator<EntryUpdate>> {
    const { accountId } = caller
    const range = rangeOf(caller, prefix, '')
    const follow = {
      journal,
      readStretch: (behind: string) => readStretch(sql, accountId, { ...range, after: behind }, stretch),
      findValue: (key: string, version: number) => findVersionValue(sql, { accountId, key }, version),
      isTold: (key: string) => key.startsWith(prefix) && caller.can('entries:read', key),
    }
    return followEntries(follow, accountId, after)
  }

  return { find, list, history, changes }
}

function mustBeKey(key: string): void {
  const message = keyFault(key)
  if (message !== undefined) throw invalidValue('The key', 'key', message)
}

/** The keys with this beginning that the caller may read. @throws {Forbidden} when those are none at all. @throws {InvalidInput} */
function rangeOf(caller: Caller, prefix: string, after: string): KeyRange {
  const patterns = caller.mustSomewhere('entries:read')
  const message = prefixFault(prefix)
  if (message !== undefined) throw invalidValue('The prefix', 'prefix', message)
  return { from: prefix, to: behindPrefix(prefix), after, patterns: patterns?.map(patternRegex) ?? null }
}
