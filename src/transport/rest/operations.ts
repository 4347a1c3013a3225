import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { ExecutionResult, GraphQLError } from 'graphql'
import { isRecord } from '#lib/json.ts'
import { type PreparedOperation, prepareOperation } from '#transport/graphql/operation.ts'
import type { OperationContext } from '#transport/graphql/operation-context.ts'
import type { GraphqlServer } from '#transport/graphql/server.ts'
import { refusedByError, refusedByGraphql } from './refused.ts'

/** The data of an operation that was not refused: its results without their failures. */
export type Succeeded<Data> = { [Key in keyof Data]: Exclude<Data[Key], { code: string }> }

/** One caller's way into GraphQL, in process. */
export interface Operations {
  /**
   * Executes a query or mutation. Moments come as `Date`, whatever the generated types say: they are meant for JSON.
   * @throws {Refused} with the first error, or with the failure that a mutation answered with.
   */
  run<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Succeeded<Data>>
  /** Subscribes; the reader must close the stream at the end. @throws {Refused} */
  follow<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Updates<Data>>
}

/** A subscription's updates, in order. */
interface Updates<Data> {
  /** The next one; undefined when there are no more. @throws {Refused} */
  next(): Promise<Data | undefined>
  /** Ends the subscription, also while a next one is awaited. */
  close(): void
}

/** Operations go through the same pipeline as those that come by HTTP or WebSocket. */
export function operationsOf(server: GraphqlServer, context: OperationContext): Operations {
  async function start<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables) {
    const params = { query: document, variables: variables as Record<string, unknown> }
    const operation = await prepareOperation(server, context, params)
    if (!isPrepared(operation)) throw refusedByErrors(operation)
    return operation.run()
  }
  return {
    async run(document, variables) {
      const result = await start(document, variables)
      if (isStream(result)) throw new Error('A subscription can be followed, not run.')
      return succeeded(dataOf(result))
    },
    async follow(document, variables) {
      const results = await start(document, variables)
      if (!isStream(results)) throw refusedByErrors(results.errors ?? [])
      return updatesOf(results)
    },
  }
}

function updatesOf<Data>(results: AsyncIterable<ExecutionResult>): Updates<Data> {
  const iterator = results[Symbol.asyncIterator]()
  return {
    async next() {
      const { done, value } = await iterator.next()
      return done ? undefined : dataOf<Data>(value)
    },
    close: () => void iterator.return?.().catch(() => undefined),
  }
}

function isPrepared(operation: PreparedOperation | readonly GraphQLError[]): operation is PreparedOperation {
  return 'run' in operation
}

function isStream(result: ExecutionResult | AsyncIterable<ExecutionResult>): result is AsyncIterable<ExecutionResult> {
  return Symbol.asyncIterator in result
}

function refusedByErrors([first]: readonly GraphQLError[]): Error {
  return first === undefined ? new Error('GraphQL answered with neither data nor errors.') : refusedByError(first)
}

function dataOf<Data>({ data, errors }: ExecutionResult): Data {
  if (errors?.length || data == null) throw refusedByErrors(errors ?? [])
  return data as Data
}

function succeeded<Data>(data: Data): Succeeded<Data> {
  for (const result of Object.values(data as object)) if (isFailure(result)) throw refusedByGraphql(result)
  return data as Succeeded<Data>
}

function isFailure(result: unknown): result is Parameters<typeof refusedByGraphql>[0] {
  return isRecord(result) && typeof result['code'] === 'string' && typeof result['message'] === 'string'
}
