import { LRUCache } from 'lru-cache'
import { findRegisteredTypes, listRegisteredTypes } from '#domain/tasks/store/registered-types.ts'
import { compositeKey } from '#lib/composite-key.ts'
import { invalidInput } from '#lib/errors.ts'
import type { Sql } from '#platform/database/sql.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { type JsonSchemas, maxRegisteredTypes, type RegisteredType, toRegisteredType } from './registered-type.ts'

/** Characters of schemas that are kept. */
const keptCharacters = 16 * 1024 * 1024
/** What is kept of a type is used for at most this long, should its change not be heard of, in milliseconds. */
const keptMs = 30_000

/** The task types of accounts that were registered over the API. */
export class RegisteredTypes {
  readonly #sql: Sql
  readonly #schemas: JsonSchemas
  readonly #kept = new LRUCache<string, RegisteredType>({ maxSize: keptCharacters, ttl: keptMs })

  constructor({ sql, schemas }: { readonly sql: Sql; readonly schemas: JsonSchemas }) {
    this.#sql = sql
    this.#schemas = schemas
  }

  /** The types of an account with these names; missing ones are left out. */
  async find(accountId: string, names: readonly string[]): Promise<Map<string, RegisteredType>> {
    const found = new Map<string, RegisteredType>()
    const unknown: string[] = []
    for (const name of new Set(names)) {
      const kept = this.#kept.get(compositeKey(accountId, name))
      if (kept === undefined) unknown.push(name)
      else found.set(name, kept)
    }
    if (unknown.length === 0) return found
    for (const row of await findRegisteredTypes(this.#sql, accountId, unknown)) {
      const type = toRegisteredType(row)
      const size = JSON.stringify([row.inputSchema, row.resultSchema]).length
      this.#kept.set(compositeKey(accountId, row.name), type, { size })
      found.set(row.name, type)
    }
    return found
  }

  /** All types of an account, by name. */
  async list(accountId: string): Promise<RegisteredType[]> {
    return (await listRegisteredTypes(this.#sql, accountId, maxRegisteredTypes)).map(toRegisteredType)
  }

  /** To be called with each entry of the journal: a type that was registered again is read again. */
  onJournalEntry({ accountId, type, data }: Pick<JournalEntry, 'accountId' | 'type' | 'data'>): void {
    if (type === 'task.type_registered' || type === 'task.type_removed')
      this.#kept.delete(compositeKey(accountId, String(data['type'])))
  }

  /** @throws {InvalidInput} when the input of a task does not match the type's schema. */
  async checkInput({ name, row }: RegisteredType, data: unknown, sizeBytes: number): Promise<void> {
    const fault = await this.#schemas.faultOf(row.accountId, row.inputSchema, { data, sizeBytes })
    if (fault === undefined) return
    throw invalidInput(`The input of "${name}"`, [{ path: pathOf('input', fault.path), message: fault.reason }])
  }

  /** @throws {InvalidInput} when the result of a task does not match the type's schema. */
  async checkResult({ name, row }: RegisteredType, data: unknown, sizeBytes: number): Promise<void> {
    if (row.resultSchema === null) return
    const fault = await this.#schemas.faultOf(row.accountId, row.resultSchema, { data, sizeBytes })
    if (fault === undefined) return
    throw invalidInput(`The result of "${name}"`, [{ path: pathOf('result', fault.path), message: fault.reason }])
  }
}

/** A JSON Pointer below a field, as the paths of issues are written. */
function pathOf(field: string, pointer: string): string {
  const parts = pointer.split('/').slice(1)
  return [field, ...parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))].join('.')
}
