import { z } from 'zod'
import type { Caller } from '#domain/access/service.ts'
import {
  countRegisteredTypes,
  lockRegistrations,
  removeRegisteredTypes,
  saveRegisteredTypes,
} from '#domain/tasks/store/registered-types.ts'
import type { TaskTypes } from '#domain/tasks/task-type.ts'
import { InvalidInput, invalidInput, invalidItem, withIssues } from '#lib/errors.ts'
import type { Transact } from '#platform/database/transaction.ts'
import type { NewEntry } from '#platform/journal/entry.ts'
import { parsed } from './claim-request.ts'
import {
  type JsonSchemas,
  maxRegisteredTypes,
  maxTypesAtOnce,
  type TypeRegistration,
  type TypeRequest,
  typeRegistration,
} from './registered-type.ts'
import { shortText } from './remote-worker.ts'

export interface TypeCommandsDeps {
  readonly transact: Transact
  readonly types: TaskTypes
  readonly schemas: JsonSchemas
}

const requestedTypes = z.array(z.unknown()).min(1).max(maxTypesAtOnce)
const removedNames = z.array(shortText(64)).min(1).max(maxTypesAtOnce)

/** A type that was registered. */
export interface RegisteredName {
  readonly name: string
  /** It is new, or differs from what was registered before. */
  readonly isChanged: boolean
}

/** The commands that make task types known which only remote workers know. */
export function createTypeCommands({ transact, types, schemas }: TypeCommandsDeps) {
  /**
   * Registers task types, in the place of earlier ones with the same names; registering one again as it was changes
   * nothing. Tasks that wait are not checked again. @throws {InvalidInput} @throws {Forbidden}
   */
  async function registerTypes(caller: Caller, requests: readonly TypeRequest[]): Promise<RegisteredName[]> {
    const { accountId } = caller
    const wanted = parsed(requestedTypes, 'The list of types', [...requests]).map(parseType)
    for (const { name } of wanted) caller.must('tasks:work', name)
    const names = wanted.map(({ name }) => name)
    if (new Set(names).size < names.length) throw new InvalidInput('Each type can be named once in a request.')
    for (const [index, type] of wanted.entries()) await mustBeUsable(accountId, type, index)
    const changed = await transact(async (tx) => {
      await lockRegistrations(tx, accountId)
      const changed = await saveRegisteredTypes(tx, accountId, wanted, caller.actor)
      if (changed.length > 0 && (await countRegisteredTypes(tx, accountId)) > maxRegisteredTypes)
        throw new InvalidInput(`An account can have at most ${maxRegisteredTypes} registered task types.`)
      for (const name of changed) tx.journal(typeEvent('task.type_registered', caller, name))
      return changed
    })
    return names.map((name) => ({ name, isChanged: changed.includes(name) }))
  }

  /** Removes registered types; returns the names of those that there were. Tasks of them that wait go on waiting. @throws {InvalidInput} */
  async function removeTypes(caller: Caller, names: readonly string[]): Promise<string[]> {
    const wanted = parsed(removedNames, 'The list of names', [...names])
    for (const name of wanted) caller.must('tasks:work', name)
    return transact(async (tx) => {
      const removed = await removeRegisteredTypes(tx, caller.accountId, wanted)
      for (const name of removed) tx.journal(typeEvent('task.type_removed', caller, name))
      return removed.toSorted()
    })
  }

  async function mustBeUsable(accountId: string, type: TypeRegistration, index: number): Promise<void> {
    const at = `types.${index}`
    if (types.get(type.name) !== undefined)
      throw invalidInput('The type', [{ path: `${at}.name`, message: `"${type.name}" is a task type of the server` }])
    await check(accountId, `${at}.inputSchema`, type.inputSchema)
    if (type.resultSchema !== undefined) await check(accountId, `${at}.resultSchema`, type.resultSchema)
  }

  async function check(accountId: string, path: string, schema: unknown): Promise<void> {
    try {
      await schemas.mustBeUsable(accountId, schema)
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error
      const message = withIssues(
        '',
        error.issues.map((issue) => ({ ...issue, path: '' })),
      ).trim()
      throw invalidInput('The type', [{ path, message: message.replace(/\.$/, '') || error.summary }])
    }
  }

  return { registerTypes, removeTypes }
}

function parseType(request: unknown, index: number): TypeRegistration {
  try {
    return parsed(typeRegistration, 'The type', request as TypeRequest)
  } catch (error) {
    throw error instanceof InvalidInput ? invalidItem(`Type ${index}`, `types.${index}`, error) : error
  }
}

function typeEvent(type: 'task.type_registered' | 'task.type_removed', caller: Caller, name: string): NewEntry {
  return { accountId: caller.accountId, type, subject: `task-type:${name}`, ...caller.by(), data: { type: name } }
}
