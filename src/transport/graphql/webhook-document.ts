import { GraphQLError, Kind, type OperationDefinitionNode, parse, validate } from 'graphql'
import type { Caller } from '#domain/access/service.ts'
import { DocumentRefused } from '#domain/webhooks/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { schema } from '#schema/index.ts'
import { prepareOperation } from './operation.ts'
import type { GraphqlServer } from './server.ts'

/** What a document may declare of the event that it is run for. */
const offered = ['type', 'subject', 'id', 'at', 'data'] as const

/** @throws {InvalidInput} unless the text is one query that the schema knows, with no variables but those of an event. */
export function checkWebhookDocument(text: string): void {
  const issues = faultsOf(text)
  if (issues.length === 0) return
  const list = issues.map((message) => ({ path: 'document', message }))
  throw new InvalidInput(`The webhook is not valid. document: ${issues.join('; ')}`, list)
}

function faultsOf(text: string): readonly string[] {
  try {
    const document = parse(text, { maxTokens: 2_000 })
    const faults = validate(schema, document).map(({ message }) => message)
    if (faults.length > 0) return faults
    const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION)
    const [operation] = operations
    if (operations.length !== 1 || operation?.operation !== 'query') return ['must be one query']
    return variablesOf(operation).flatMap((name) =>
      (offered as readonly string[]).includes(name) ? [] : `there is no variable $${name}: an event has ${listed}`,
    )
  } catch (error) {
    if (error instanceof GraphQLError) return [error.message]
    throw error
  }
}

const listed = offered.map((name) => `$${name}`).join(', ')

function variablesOf({ variableDefinitions = [] }: OperationDefinitionNode): string[] {
  return variableDefinitions.map(({ variable }) => variable.name.value)
}

/**
 * The answer to a document for an event, as this caller is answered by HTTP; undefined when every field of it is null
 * and nothing went wrong, which means that there is nothing to tell. @throws {DocumentRefused} when anything went wrong
 */
export async function runWebhookDocument(
  server: GraphqlServer,
  caller: Caller,
  text: string,
  { type, subject, at, data }: JournalEntry,
): Promise<object | undefined> {
  const facts = { type, subject, id: subject.slice(subject.indexOf(':') + 1), at: at.toISOString(), data }
  const origin = { requestId: 'webhook', address: '', userAgent: undefined }
  const operation = await prepareOperation(server, { caller, origin }, { query: text, variables: facts })
  if (!('run' in operation)) throw refusal(operation)
  const result = await operation.run()
  if (Symbol.asyncIterator in result) throw new Error('A webhook’s document is a query.')
  const { data: answer = null, errors } = result
  if (errors !== undefined) throw refusal(errors)
  return Object.values(answer ?? {}).every((value) => value === null) ? undefined : { data: answer }
}

const mostReasons = 5

function refusal(errors: readonly GraphQLError[]): DocumentRefused {
  return new DocumentRefused(
    errors.slice(0, mostReasons).map(({ message, path, extensions }) => {
      const code = extensions['code'] === undefined ? '' : `${String(extensions['code'])}: `
      return path === undefined ? `${code}${message}` : `${code}${message} (${path.join('.')})`
    }),
  )
}
