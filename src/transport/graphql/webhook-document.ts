import { type DocumentNode, GraphQLError, Kind, type OperationDefinitionNode, validate } from 'graphql'
import type { Caller } from '#domain/access/service.ts'
import { TooComplex } from '#domain/limits/errors.ts'
import { checkOperationCost } from '#domain/limits/service.ts'
import { DocumentRefused } from '#domain/webhooks/errors.ts'
import { invalidInput } from '#lib/errors.ts'
import type { JournalEntry } from '#platform/journal/entry.ts'
import { schema } from '#schema/index.ts'
import { CostModel } from './cost.ts'
import { createDocumentCheck, type DocumentLimits } from './document-limits.ts'
import { createLimitedParse } from './limited-parse.ts'
import { prepareOperation } from './operation.ts'
import type { GraphqlServer } from './server.ts'

/** What a document may declare of the event that it is run for. */
const offered = ['type', 'subject', 'id', 'at', 'data'] as const

export interface WebhookDocumentLimits {
  readonly document: DocumentLimits
  /** What one operation may cost; 0: no limit. */
  readonly operationCost: number
}

/** Tokens of a webhook's document, whatever other operations may have. */
const maxTokens = 2_000

/**
 * Makes the check of a webhook's document: it throws {@link InvalidInput} unless the text is one query that the schema
 * knows, with no variables but those of an event, and within the limits that all operations have. What it costs is
 * looked at again when it is run, with the variables of each event.
 */
export function createWebhookDocumentCheck({ document: limits, operationCost }: WebhookDocumentLimits) {
  const parse = createLimitedParse({ ...limits, tokens: Math.min(maxTokens, limits.tokens) })
  const check = createDocumentCheck(limits)
  const costs = new CostModel(schema)

  function faultsOf(text: string): readonly string[] {
    try {
      const document = parse(text)
      const tooLarge = check(document)
      if (tooLarge !== undefined) return [tooLarge.message]
      const faults = validate(schema, document, undefined, { maxErrors: maxReasons })
      if (faults.length > 0) return faults.map(({ message }) => message)
      return faultsOfQuery(document)
    } catch (error) {
      if (error instanceof GraphQLError) return [error.message]
      throw error
    }
  }

  function faultsOfQuery(document: DocumentNode): readonly string[] {
    const operations = document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION)
    const [operation] = operations
    if (operations.length !== 1 || operation?.operation !== 'query') return ['must be one query']
    const unknown = variableNames(operation).filter((name) => !(offered as readonly string[]).includes(name))
    if (unknown.length > 0) return unknown.map((name) => `there is no variable $${name}: an event has ${listed}`)
    return costFaults(document)
  }

  function costFaults(document: DocumentNode): readonly string[] {
    try {
      checkOperationCost(operationCost, costs.requested({ schema, document, variableValues: sampleFacts }))
      return []
    } catch (error) {
      if (error instanceof TooComplex) return [error.message]
      // An argument that the sample has no value for is looked at when an event has one.
      if (error instanceof GraphQLError) return []
      throw error
    }
  }

  return (text: string): void => {
    const issues = faultsOf(text)
    if (issues.length === 0) return
    throw invalidInput(
      'The webhook',
      issues.map((message) => ({ path: 'document', message })),
    )
  }
}

const sampleFacts = { type: 'a.b', subject: 'a:b', id: 'b', at: '2026-01-01T00:00:00.000Z', data: {} }

const listed = offered.map((name) => `$${name}`).join(', ')

function variableNames({ variableDefinitions = [] }: OperationDefinitionNode): string[] {
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

const maxReasons = 5

function refusal(errors: readonly GraphQLError[]): DocumentRefused {
  return new DocumentRefused(
    errors.slice(0, maxReasons).map(({ message, path, extensions }) => {
      const code = extensions['code'] === undefined ? '' : `${String(extensions['code'])}: `
      return path === undefined ? `${code}${message}` : `${code}${message} (${path.join('.')})`
    }),
  )
}
