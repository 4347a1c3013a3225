import { complexityFromQuery } from '@pothos/plugin-complexity'
import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getOperationAST,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql'
import { isRecord } from '#lib/json.ts'

/** What each change costs beside its answer. */
const changeCost = 10
/** Of one document, for the numbers that its pages were asked with. */
const mostPrices = 100

/** Where objects stand in an answer: what is inside of a field, by its name there; a number where it has a price itself. */
type Shape = Map<string, Shape | number>

interface Priced {
  readonly operation: OperationDefinitionNode
  readonly shape: Shape
  /** Names of the variables that decide how large pages are. */
  readonly numbers: readonly string[]
  readonly prices: Map<string, number>
  /** Of the change itself. */
  readonly fixed: number
}

/** What operations cost: each object of the answer 1, each change 10, and each item of a list that is handed in 1. */
export class CostModel {
  readonly #schema: GraphQLSchema
  readonly #known = new WeakMap<DocumentNode, Map<string | null, Priced | undefined>>()

  constructor(schema: GraphQLSchema) {
    this.#schema = schema
  }

  /** The most that the operation can reasonably cost; at least 1. */
  requested(args: ExecutionArgs): number {
    const priced = this.#priced(args)
    if (priced === undefined) return 1
    const { prices, numbers } = priced
    const variables = args.variableValues ?? {}
    const key = numbers.map((name) => String(variables[name])).join()
    const known = prices.get(key)
    const price = known ?? this.#price(args, priced)
    if (known === undefined && prices.size < mostPrices) prices.set(key, price)
    return Math.max(1, price + priced.fixed + itemsOf(priced, variables))
  }

  /** What it has cost, by its answer. */
  actual(args: ExecutionArgs, data: unknown): number {
    const priced = this.#priced(args)
    if (priced === undefined) return 1
    return Math.max(1, countObjects(data, priced.shape) - 1 + priced.fixed + itemsOf(priced, args.variableValues ?? {}))
  }

  #price({ document, variableValues }: ExecutionArgs, { operation }: Priced): number {
    const definitions = document.definitions.filter(({ kind }) => kind !== Kind.OPERATION_DEFINITION)
    try {
      const only: DocumentNode = { kind: Kind.DOCUMENT, definitions: [operation, ...definitions] }
      const variables = variableValues ?? {}
      return Math.ceil(complexityFromQuery(only, { schema: this.#schema, ctx: {}, variables }).complexity)
    } catch (error) {
      // Variables that are wrong are refused with all that is wrong when the operation is executed.
      if (error instanceof GraphQLError) return 1
      throw error
    }
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
    const shape = shapeOf(this.#schema, document, operation.selectionSet, root)
    const changes = operation.operation === 'mutation' ? operation.selectionSet.selections.length : 0
    const numbers = (operation.variableDefinitions ?? [])
      .filter(({ type }) => /^Int!?$/.test(print(type)))
      .map(({ variable }) => variable.name.value)
    return { operation, shape, numbers, prices: new Map(), fixed: changes * changeCost }
  }
}

/** How many items of lists the operation hands in, in the inputs of its root fields. */
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

function shapeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  selections: SelectionSetNode,
  type: GraphQLNamedType,
): Shape {
  const shape: Shape = new Map()
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions)
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)

  function addAll(into: Shape, { selections }: SelectionSetNode, parent: GraphQLNamedType): void {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) {
        addField(into, selection, parent)
        continue
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
      const on = fragment?.typeCondition && schema.getType(fragment.typeCondition.name.value)
      if (fragment !== undefined) addAll(into, fragment.selectionSet, on ?? parent)
    }
  }

  function addField(into: Shape, { name, alias, selectionSet }: FieldNode, parent: GraphQLNamedType): void {
    if (!isObjectType(parent) && !isInterfaceType(parent)) return
    const field = parent.getFields()[name.value]
    const key = alias?.value ?? name.value
    if (field === undefined) return
    if (selectionSet === undefined) {
      const price = field.extensions['complexity']
      if (typeof price === 'number' && price > 0) into.set(key, price)
      return
    }
    const known = into.get(key)
    const inner = known instanceof Map ? known : new Map()
    into.set(key, inner)
    addAll(inner, selectionSet, getNamedType(field.type))
  }

  addAll(shape, selections, type)
  return shape
}

function countObjects(value: unknown, shape: Shape): number {
  if (typeof value !== 'object' || value === null) return 0
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countObjects(item, shape), 0)
  let count = 1
  for (const [key, inner] of shape) {
    const field = (value as Record<string, unknown>)[key]
    if (field == null) continue
    count += typeof inner === 'number' ? inner : countObjects(field, inner)
  }
  return count
}
