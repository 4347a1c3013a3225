import { type DocumentNode, type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql'
import { Unauthenticated } from '#domain/access/errors.ts'
import type { OperationContext } from './operation-context.ts'
import { isForEverybody } from './public-operations.ts'
import type { GraphqlServer } from './server.ts'

export interface OperationParams {
  /** The query's text, or a document that was validated before. */
  readonly query: string | DocumentNode
  readonly operationName?: string | null | undefined
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined
}

export type Results = ExecutionResult | AsyncIterable<ExecutionResult>

/** An operation that was found to be valid; `run` executes or subscribes. */
export interface PreparedOperation {
  readonly args: ExecutionArgs
  /** Whether it answers with a stream. */
  readonly isStream: boolean
  run(): Promise<Results>
}

/**
 * Parses, validates and gives the operation its context, through the server's own pipeline. Anonymous callers get no
 * details about what is wrong. @throws {Unauthenticated} when they ask for a field that needs a token
 */
export async function prepareOperation(
  server: GraphqlServer,
  context: OperationContext,
  { query, operationName: givenName, variables }: OperationParams,
): Promise<PreparedOperation | readonly GraphQLError[]> {
  // Clients send an empty name for none.
  const operationName = givenName || null
  const params = { query, operationName, variables }
  const enveloped = server.getEnveloped({ ...context, params })
  const { schema, parse, validate, contextFactory, execute, subscribe } = enveloped
  const document = typeof query === 'string' ? parsed(() => parse(query)) : query
  if (document instanceof GraphQLError && context.caller === undefined) throw new Unauthenticated()
  if (document instanceof GraphQLError) return [document]
  // Looks at root fields alone, so what is not for everybody isn't even validated.
  if (context.caller === undefined && !isForEverybody(schema, document, operationName)) throw new Unauthenticated()
  const errors = typeof query === 'string' ? (validate(schema, document) as readonly GraphQLError[]) : []
  if (context.caller === undefined && errors.length > 0) throw new Unauthenticated()
  if (errors.length > 0) return errors
  const args: ExecutionArgs = {
    schema,
    document,
    operationName,
    // What the operation doesn't declare was dropped from them when it was parsed.
    variableValues: params.variables ?? {},
    contextValue: await contextFactory(),
  }
  const isStream = getOperationAST(document, operationName)?.operation === 'subscription'
  return { args, isStream, run: async () => (isStream ? subscribe(args) : execute(args)) as Results }
}

function parsed(parse: () => DocumentNode): DocumentNode | GraphQLError {
  try {
    return parse()
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
}
