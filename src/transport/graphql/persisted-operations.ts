import { hash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { GraphQLError, type GraphQLSchema, parse, validate } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { z } from 'zod'
import { AppError, errorMessage, StartupError } from '#lib/errors.ts'
import { isRecord } from '#lib/json.ts'

/** Only persisted operations are allowed here, and this one was not persisted. */
class OperationNotPersisted extends AppError {
  readonly code = 'OPERATION_NOT_PERSISTED'
  constructor() {
    super('This server only runs persisted operations, given by their text or its SHA-256.')
  }
}

/** How a request names its operation. */
export interface OperationName {
  readonly query?: unknown
  /** GraphQL over HTTP, appendix A: persisted documents. */
  readonly documentId?: unknown
  readonly extensions?: unknown
}

/** The only operations that are answered. */
export class PersistedOperations {
  readonly #texts: ReadonlyMap<string, string>

  constructor(texts: readonly string[]) {
    this.#texts = new Map(texts.map((text) => [hash('sha256', text), text]))
  }

  /** The text of the operation. @throws {OperationNotPersisted} */
  resolve({ query, documentId, extensions }: OperationName): string {
    const text = this.#texts.get(typeof query === 'string' ? hash('sha256', query) : idOf(documentId, extensions))
    if (text === undefined) throw new OperationNotPersisted()
    return text
  }
}

/** The same for requests that Yoga reads itself. */
export function persistedOperationsPlugin(
  operations: PersistedOperations,
  maskError: (error: unknown) => GraphQLError,
): Plugin {
  return {
    onParams({ params, setParams, setResult }) {
      try {
        setParams({ ...params, query: operations.resolve(params) })
      } catch (error) {
        setResult({ errors: [maskError(error)] })
      }
    },
  }
}

const sha256 = /^(?:sha256:)?([0-9a-f]{64})$/i

function idOf(documentId: unknown, extensions: unknown): string {
  const persisted = isRecord(extensions) ? extensions['persistedQuery'] : undefined
  const given = documentId ?? (isRecord(persisted) ? persisted['sha256Hash'] : undefined)
  return typeof given === 'string' ? (sha256.exec(given)?.[1]?.toLowerCase() ?? '') : ''
}

/**
 * Reads operations from a directory of `.graphql` files, one text each, or from a JSON file of texts by their SHA-256.
 * @throws {StartupError} when they can't be read, or one is not valid here, or not what its hash says.
 */
export async function loadPersistedOperations(path: string, schema: GraphQLSchema): Promise<PersistedOperations> {
  const texts = await readTexts(path).catch((error: unknown) => {
    if (error instanceof StartupError) throw error
    throw new StartupError(`PERSISTED_OPERATIONS: ${path} can't be read: ${errorMessage(error)}`, { cause: error })
  })
  for (const [name, text] of texts) mustBeValid(schema, name, text)
  return new PersistedOperations([...texts.values()])
}

async function readTexts(path: string): Promise<Map<string, string>> {
  return (await stat(path)).isDirectory() ? readDirectory(path) : readManifest(path)
}

async function readDirectory(path: string): Promise<Map<string, string>> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.graphql'))
  return new Map(
    await Promise.all(
      names.map(async (name) => [join(path, name), await readFile(join(path, name), 'utf8')] as [string, string]),
    ),
  )
}

const manifest = z.record(z.string().regex(sha256, 'must be the SHA-256 of the text, in hexadecimal'), z.string())

async function readManifest(path: string): Promise<Map<string, string>> {
  const parsed = manifest.safeParse(JSON.parse(await readFile(path, 'utf8')))
  if (!parsed.success)
    throw new StartupError(`PERSISTED_OPERATIONS: ${path} must be a JSON object of texts by their SHA-256.`)
  for (const [id, text] of Object.entries(parsed.data))
    if (idOf(id, undefined) !== hash('sha256', text))
      throw new StartupError(`PERSISTED_OPERATIONS: the text under ${id} in ${path} has another SHA-256.`)
  return new Map(Object.entries(parsed.data))
}

function mustBeValid(schema: GraphQLSchema, name: string, text: string): void {
  const [error] = errorsIn(schema, text)
  if (error !== undefined) throw new StartupError(`PERSISTED_OPERATIONS: ${name} is not valid here: ${error.message}`)
}

function errorsIn(schema: GraphQLSchema, text: string): readonly GraphQLError[] {
  try {
    return validate(schema, parse(text))
  } catch (error) {
    if (error instanceof GraphQLError) return [error]
    throw error
  }
}
