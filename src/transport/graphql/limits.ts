import type {
  DocumentNode,
  ExecutionArgs,
  ExecutionResult,
  GraphQLError,
  GraphQLSchema,
  ParseOptions,
  parse,
  ValidationRule,
  validate,
} from 'graphql'
import { type GraphQLParams, isAsyncIterable, type Plugin } from 'graphql-yoga'
import type { Hold } from '#domain/limits/allowance.ts'
import type { LimitService } from '#domain/limits/service.ts'
import { type Context, schema } from '#schema/index.ts'
import { CostModel } from './cost.ts'
import { createDocumentCheck, type DocumentLimits } from './document-limits.ts'
import { createLimitedParse } from './limited-parse.ts'
import type { OperationContext } from './operation-context.ts'
import { declaredVariables, variablesFault, variablesOf } from './variables.ts'

export interface LimitsOptions {
  readonly limits: Pick<LimitService, 'check' | 'operationCost'>
  readonly document: DocumentLimits
  readonly maskError: (error: unknown) => GraphQLError
}

type Refuse = (result: { errors: GraphQLError[] }) => void

/**
 * Holds every operation to its limits, in every transport alike: how large its text is, before anything else looks at
 * it; what it may cost, before it is executed; and how many streams its caller has. What it has really cost stands in
 * `extensions.cost`, and the difference is given back.
 */
export function limitsPlugin({ limits, document, maskError }: LimitsOptions): Plugin<OperationContext, Context> {
  const check = createDocumentCheck(document)
  const parseLimited = createLimitedParse(document)
  const model = new CostModel(schema)

  /** Spends what the operation may cost; undefined when that was refused, or nobody is counted. */
  function hold(args: ExecutionArgs, refuse: Refuse): Hold | undefined | Promise<Hold | undefined> {
    const { allowance } = args.contextValue as OperationContext
    const refused = (error: unknown): undefined => refuse({ errors: [maskError(error)] }) as undefined
    try {
      const requested = model.requested(args)
      limits.check(requested)
      const held = allowance?.hold(requested)
      return held instanceof Promise ? held.catch(refused) : held
    } catch (error) {
      return refused(error)
    }
  }

  /** Gives back what an operation has not cost, and tells. */
  function settling(held: Hold, args: ExecutionArgs) {
    const { allowance } = args.contextValue as OperationContext
    return {
      onExecuteDone({ result, setResult }: { result: unknown; setResult: (result: ExecutionResult) => void }) {
        if (isAsyncIterable(result)) return
        const answer = result as ExecutionResult
        const actual = model.actual(args, answer.data)
        held.settle(actual)
        const left = allowance?.cost
        const cost = {
          requested: held.points,
          actual,
          maximum: limits.operationCost === 0 ? null : limits.operationCost,
          ...(left && { limit: left.limit, remaining: left.remaining, resetMs: left.resetMs }),
        }
        setResult({ ...answer, extensions: { ...answer.extensions, cost } })
      },
    }
  }

  return {
    onParse({ context, parseFn, setParseFn }) {
      const original = parseFn as typeof parse
      const isAnonymous = context.caller === undefined
      setParseFn((source: string, options?: ParseOptions) =>
        parseLimited(source, { ...options, isAnonymous }, original),
      )
      return ({ result, replaceParseResult }) => {
        if (result === null || result instanceof Error) return
        const refused = check(result) ?? keepDeclared(context.params, result)
        if (refused !== undefined) replaceParseResult(refused as never)
      }
    },
    onValidate({ validateFn, setValidationFn }) {
      const original = validateFn as typeof validate
      setValidationFn((schema: GraphQLSchema, document: DocumentNode, rules?: readonly ValidationRule[]) =>
        original(schema, document, rules, { maxErrors }),
      )
    },
    onExecute({ args, setResultAndStopExecution }) {
      const held = hold(args, setResultAndStopExecution)
      if (held instanceof Promise) return held.then((one) => one && settling(one, args))
      return held && settling(held, args)
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      const refuse: Refuse = (result) => setResultAndStopExecution(result as never)
      const began = () => begin(args, refuse)
      const held = hold(args, refuse)
      if (held instanceof Promise) return held.then((one) => one && began())
      return held && began()
    },
  }

  /** Counts a stream until it is over. */
  function begin(args: ExecutionArgs, refuse: Refuse) {
    const { allowance, work } = args.contextValue as OperationContext
    try {
      const leave = allowance?.subscribe()
      return {
        onSubscribeResult({ result }: { result: unknown }) {
          if (isAsyncIterable(result)) {
            work?.becomeStream()
            return { onEnd: () => leave?.() }
          }
          leave?.()
          return undefined
        },
      }
    } catch (error) {
      refuse({ errors: [maskError(error)] })
      return undefined
    }
  }
}

/** Drops the variables that the operation doesn't declare; returns what is wrong with the others. */
function keepDeclared(params: GraphQLParams, document: DocumentNode): GraphQLError | undefined {
  if (params.variables == null) return undefined
  const declared = variablesOf(document, params.operationName)
  params.variables = declaredVariables(declared, params.variables)
  return variablesFault(schema, declared, params.variables)
}

/** After which validation stops looking for more that is wrong with an operation. */
const maxErrors = 10
