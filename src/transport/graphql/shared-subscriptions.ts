import { hash } from 'node:crypto'
import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  executeSubscriptionEvent,
  type GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type ValidatedSubscriptionArgs,
  type VariableNode,
  validateSubscriptionArgs,
  visit,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { compositeKey } from '#lib/composite-key.ts'
import type { Context } from '#schema/index.ts'
import { formatError } from './errors.ts'
import type { OperationContext } from './operation-context.ts'

/** One result of a subscription, which other subscribers may receive, too. */
export interface SharedResult extends ExecutionResult {
  /** Its JSON, created once for all who receive it; Yoga uses it for server-sent events. */
  readonly stringify: () => string
}

/** What a resolver may use beside the caller in an execution for many: nothing that belongs to one request. */
const sharedParts: ReadonlySet<string> = new Set<keyof Context>([
  'db',
  'access',
  'tasks',
  'documents',
  'documentQueries',
  'events',
  'audit',
  'quotas',
  'entries',
  'locks',
  'webhooks',
  'salesforce',
])

/**
 * Executes an event once for all its subscribers who ask for the same with the same rights, over WebSocket and SSE alike.
 * Each keeps a stream of its own: its place, its buffer, its end when the token is revoked. What is shared is the result of
 * an event object that several streams yield, and its text.
 *
 * A result is shared by callers of one account with equal role and grants. An execution that reads anything else about its
 * caller or request is found out while it runs, and its result goes to that subscriber only.
 */
export function sharedSubscriptionsPlugin(
  maskError: (error: unknown) => GraphQLError,
): Plugin<OperationContext, Context> {
  return {
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args: ExecutionArgs) => subscribeShared(args, maskError))
    },
  }
}

async function subscribeShared(
  { schema, document, contextValue, variableValues, operationName }: ExecutionArgs,
  maskError: (error: unknown) => GraphQLError,
): Promise<ExecutionResult | AsyncIterable<SharedResult>> {
  const args = validateSubscriptionArgs({
    schema,
    document,
    contextValue,
    ...(variableValues && { variableValues }),
    ...(operationName && { operationName }),
  })
  if (!('schema' in args)) return { errors: args }
  const source = await createSourceEventStream(args)
  if (!(Symbol.asyncIterator in source)) return source
  const { caller } = contextValue as Context
  const key = sharingKey(caller.rightsKey, document, args, variableValues ?? {})
  return new SharedStream(source as AsyncGenerator<object>, (event) => resultOf(event, key, args, maskError))
}

/** A source stream with its events executed; ends when that does. */
class SharedStream implements AsyncGenerator<SharedResult, undefined> {
  readonly #source: AsyncGenerator<object>
  readonly #execute: (event: object) => SharedResult | Promise<SharedResult>

  constructor(source: AsyncGenerator<object>, execute: (event: object) => SharedResult | Promise<SharedResult>) {
    this.#source = source
    this.#execute = execute
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<SharedResult, undefined>> {
    const { done, value } = await this.#source.next()
    if (done) return { done, value: undefined }
    try {
      const result = this.#execute(value)
      return { done: false, value: result instanceof Promise ? await result : result }
    } catch (error) {
      return this.throw(error)
    }
  }

  async return(): Promise<IteratorResult<SharedResult, undefined>> {
    await this.#source.return(undefined)
    return { done: true, value: undefined }
  }

  async throw(error: unknown): Promise<IteratorResult<SharedResult, undefined>> {
    await this.#source.return(undefined)
    throw error
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}

/** By event and {@link sharingKey}: a promise while it is executed, and of undefined when it is its subscriber's alone. */
const results = new WeakMap<object, Map<string, SharedResult | Promise<SharedResult | undefined>>>()

function resultOf(
  event: object,
  key: string,
  args: ValidatedSubscriptionArgs,
  maskError: (error: unknown) => GraphQLError,
): SharedResult | Promise<SharedResult> {
  const ofEvent = results.get(event) ?? new Map<string, SharedResult | Promise<SharedResult | undefined>>()
  results.set(event, ofEvent)
  const known = ofEvent.get(key)
  if (known instanceof Promise)
    return known.then((result) => result ?? execute(event, args, args.contextValue, maskError))
  if (known !== undefined) return known
  const running = executeForMany(event, args, maskError)
  const shared = running.then(({ result, isPersonal }) => (isPersonal ? undefined : result))
  ofEvent.set(key, shared)
  void shared.then((result) => result && ofEvent.set(key, result)).catch(() => ofEvent.delete(key))
  return running.then(({ result }) => result)
}

async function executeForMany(
  event: object,
  args: ValidatedSubscriptionArgs,
  maskError: (error: unknown) => GraphQLError,
): Promise<{ result: SharedResult; isPersonal: boolean }> {
  let isPersonal = false
  const context = sharedContext(args.contextValue as Context, () => {
    isPersonal = true
  })
  const result = await execute(event, args, context, maskError)
  return { result, isPersonal }
}

/** A context for one execution, with a cache of its own for Pothos, which keeps that under a symbol. */
function sharedContext(own: Context, onPersonal: () => void): object {
  const caller = own.caller.shared(onPersonal)
  return new Proxy(
    {},
    {
      get(caches, name) {
        if (typeof name === 'symbol') return Reflect.get(caches, name)
        if (name === 'caller') return caller
        if (!sharedParts.has(name)) onPersonal()
        return Reflect.get(own, name)
      },
    },
  )
}

async function execute(
  event: object,
  args: ValidatedSubscriptionArgs,
  contextValue: unknown,
  maskError: (error: unknown) => GraphQLError,
): Promise<SharedResult> {
  const { errors, ...rest } = await executeSubscriptionEvent({ ...args, rootValue: event, contextValue })
  const result = { ...(errors && { errors: errors.map(maskError) }), ...rest }
  let text: string | undefined
  return {
    ...result,
    stringify: () =>
      (text ??= JSON.stringify({ ...result, ...(errors && { errors: result.errors?.map(formatError) }) })),
  }
}

/** Equal for subscribers whose results of one event are the same. */
function sharingKey(
  rightsKey: string,
  document: DocumentNode,
  { operation }: ValidatedSubscriptionArgs,
  variables: Readonly<Record<string, unknown>>,
): string {
  const used = usedVariables(document, operation).filter((name) => Object.hasOwn(variables, name))
  const values = used.map((name) => compositeKey(name, JSON.stringify(variables[name])))
  return hash('sha256', compositeKey(rightsKey, idOf(document), operation.name?.value ?? '', ...values), 'base64')
}

const ids = new WeakMap<DocumentNode, number>()
let lastId = 0

function idOf(document: DocumentNode): number {
  const id = ids.get(document) ?? ++lastId
  ids.set(document, id)
  return id
}

const variablesOf = new WeakMap<OperationDefinitionNode, readonly string[]>()

/**
 * The variables that decide what is read of an event. The arguments of the root field decide which events there are: its
 * resolver passes them on as they come, so a subscriber who resumes after another cursor asks for the same.
 */
function usedVariables(document: DocumentNode, operation: OperationDefinitionNode): readonly string[] {
  const known = variablesOf.get(operation)
  if (known !== undefined) return known
  const names = new Set<string>()
  const collect = { [Kind.VARIABLE]: ({ name }: VariableNode) => void names.add(name.value) }
  for (const selection of operation.selectionSet.selections)
    visit(selection.kind === Kind.FIELD ? { ...selection, arguments: [] } : selection, collect)
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) visit(definition, collect)
  const found = [...names].sort()
  variablesOf.set(operation, found)
  return found
}
