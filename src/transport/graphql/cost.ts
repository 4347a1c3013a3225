import { complexityFromQuery } from '@pothos/plugin-complexity'
import {
  type DocumentNode,
  type ExecutionArgs,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  print,
  type ValueNode,
} from 'graphql'
import { isRecord } from '#lib/json.ts'
import { countObjects, readShape, type Shape } from './answer-shape.ts'

/** What each change costs beside its answer. */
const changeCost = 10
/** How many prices are kept of one document, for the page sizes that it was asked with. */
const maxPrices = 100

interface Priced {
  readonly operation: OperationDefinitionNode
  readonly shape: Shape
  /** Names of the variables that decide how many objects are asked for: numbers by their value, lists by their length. */
  readonly sizes: readonly string[]
  /** By the sizes that these variables ask for. */
  readonly prices: Map<string, number>
  /** Of the change itself. */
  readonly fixed: number
}

/** What operations cost: each object of the answer 1, each change 10, and each item of a list in its input 1. */
export class CostModel {
  readonly #schema: GraphQLSchema
  readonly #known = new WeakMap<DocumentNode, Map<string | null, Priced | undefined>>()

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  /**
   * The most that the operation can reasonably cost; at least 1. With variables that execution will refuse it is 1.
   * @throws {GraphQLError} when an argument is wrong in a way that only its value shows: then nothing may be executed
   */
  requested(args: ExecutionArgs): number {
    const priced = this.#priced(args)
    const price = priced && this.#price(args, priced)
    if (priced === undefined || price === undefined) return 1
    return Math.max(1, price + priced.fixed + itemsOf(priced, args.variableValues ?? {}))
  }

  /** What it has cost, by its answer. */
  actual(args: ExecutionArgs, data: unknown): number {
    const priced = this.#priced(args)
    if (priced === undefined) return 1
    return Math.max(1, countObjects(data, priced.shape) - 1 + priced.fixed + itemsOf(priced, args.variableValues ?? {}))
  }

  /** The price of the answer, as large as these variables allow; undefined when the variables are wrong. */
  #price({ document, variableValues }: ExecutionArgs, { operation, sizes, prices }: Priced): number | undefined {
    const variables = variableValues ?? {}
    const key = JSON.stringify(sizes.map((name) => (Object.hasOwn(variables, name) ? [sizeOf(variables[name])] : [])))
    const known = prices.get(key)
    if (known !== undefined) return known
    const { errors } = getVariableValues(this.#schema, operation.variableDefinitions ?? [], variables, { maxErrors: 1 })
    if (errors !== undefined) return undefined
    const fragments = document.definitions.filter(({ kind }) => kind !== Kind.OPERATION_DEFINITION)
    const only: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...fragments] }
    const price = Math.ceil(complexityFromQuery(only, { schema: this.#schema, ctx: {}, variables }).complexity)
    if (prices.size < maxPrices) prices.set(key, price)
    return price
  }

  #priced({ document, operationName = null }: ExecutionArgs): Priced | undefined {
    const ofDocument = this.#known.get(document) ?? new Map<string | null, Priced | undefined>()
    this.#known.set(document, ofDocument)
    if (ofDocument.has(operationName)) return ofDocument.get(operationName)
    const operation = getOperationAST(document, operationName)
    const priced = operation ? this.#prepare(document, operation) : undefined
    // Names of operations that aren't there must not fill it.
    if (operation) ofDocument.set(operationName, priced)
    return priced
  }

  #prepare(document: DocumentNode, operation: OperationDefinitionNode): Priced | undefined {
    const root = this.#schema.getRootType(operation.operation)
    if (!root) return undefined
    const shape = readShape(this.#schema, document, operation.selectionSet, root)
    const changes = operation.operation === 'mutation' ? operation.selectionSet.selections.length : 0
    const sizes = (operation.variableDefinitions ?? [])
      .filter(({ type }) => /^(Int!?$|\[ID)/.test(print(type)))
      .map(({ variable }) => variable.name.value)
    return { operation, shape, sizes, prices: new Map(), fixed: changes * changeCost }
  }
}

function sizeOf(value: unknown): unknown {
  return Array.isArray(value) ? value.length : value
}

/** How many list items the inputs of the operation's root fields contain. */
function itemsOf({ operation }: Priced, variables: Readonly<Record<string, unknown>>): number {
  if (operation.operation !== 'mutation') return 0
  let items = 0
  for (const value of Object.values(variables)) items += listed(value)
  for (const selection of operation.selectionSet.selections)
    if (selection.kind === Kind.FIELD) for (const { value } of selection.arguments ?? []) items += written(value)
  return items
}

function listed(value: unknown): number {
  if (!isRecord(value)) return 0
  return Object.values(value).reduce<number>((sum, one) => sum + (Array.isArray(one) ? one.length : 0), 0)
}

function written(value: ValueNode): number {
  if (value.kind === Kind.LIST) return value.values.length
  return value.kind === Kind.OBJECT ? value.fields.reduce((sum, field) => sum + written(field.value), 0) : 0
}
