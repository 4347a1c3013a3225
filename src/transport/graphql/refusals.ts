import { type ExecutionArgs, GraphQLError, getOperationAST } from 'graphql'
import { type GraphQLParams, isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Context } from '#schema/index.ts'
import type { OperationContext } from './operation-context.ts'

/** Refuses, in every transport alike, what Yoga would run or fail at, and gives the errors of validation our codes. */
export function refusals(maskError: (error: unknown) => GraphQLError): Plugin<OperationContext, Context> {
  return {
    onParams({ params, setParams }) {
      // Clients send an empty name for none.
      if (params.operationName === '') setParams(withoutName(params))
    },
    onExecute({ args, setResultAndStopExecution }) {
      if (!namesOperation(args)) setResultAndStopExecution({ errors: [maskError(noSuchOperation())] })
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      // Yoga would find out after it has subscribed, and leave the stream open for good.
      if ((args.contextValue as OperationContext).acceptsStream === false)
        setResultAndStopExecution({ errors: [maskError(noStream())] } as never)
    },
    onExecutionResult({ result, setResult }) {
      if (result === undefined || Array.isArray(result) || isAsyncIterable(result) || !result.errors) return
      setResult({ ...result, errors: result.errors.map(maskError) })
    },
  }
}

function withoutName({ operationName: _, ...params }: GraphQLParams): GraphQLParams {
  return params
}

function namesOperation({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): boolean {
  return getOperationAST(document, operationName) !== null
}

function noSuchOperation(): GraphQLError {
  return new GraphQLError('The query has several operations, or none with this name: `operationName` must select one.')
}

function noStream(): GraphQLError {
  return new GraphQLError('A subscription returns a stream: accept text/event-stream, or use a WebSocket.', {
    extensions: { http: { status: 406 } },
  })
}
