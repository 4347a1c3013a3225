import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import { fragmentsOf } from './document-limits.ts'

/** Where objects stand in an answer: what is inside a field, by its name there; a number where it has its own price. */
export type Shape = ReadonlyMap<string, Shape | number>
type MutableShape = Map<string, Shape | number>

/** The shape of the answer to these selections of a type. */
export function readShape(
  schema: GraphQLSchema,
  document: DocumentNode,
  selections: SelectionSetNode,
  type: GraphQLNamedType,
): Shape {
  return new ShapeReader(schema, fragmentsOf(document)).of(selections, type)
}

/** How many objects an answer of this shape has, fields with a price counted by that. */
export function countObjects(value: unknown, shape: Shape): number {
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

/** Reads each selection once for each type that it applies to, however often a fragment is spread. */
class ShapeReader {
  readonly #schema: GraphQLSchema
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly #known = new Map<SelectionSetNode, Map<GraphQLNamedType, Shape>>()

  constructor(schema: GraphQLSchema, fragments: ReadonlyMap<string, FragmentDefinitionNode>) {
    this.#schema = schema
    this.#fragments = fragments
  }

  of(selections: SelectionSetNode, parent: GraphQLNamedType): Shape {
    const byType = this.#known.get(selections) ?? new Map<GraphQLNamedType, Shape>()
    this.#known.set(selections, byType)
    const known = byType.get(parent)
    if (known !== undefined) return known
    const shape: MutableShape = new Map()
    byType.set(parent, shape)
    for (const selection of selections.selections) {
      if (selection.kind === Kind.FIELD) {
        this.#addField(shape, selection, parent)
        continue
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value)
      const on = fragment?.typeCondition && this.#schema.getType(fragment.typeCondition.name.value)
      if (fragment !== undefined) addAll(shape, this.of(fragment.selectionSet, on ?? parent))
    }
    return shape
  }

  #addField(into: MutableShape, { name, alias, selectionSet }: FieldNode, parent: GraphQLNamedType): void {
    if (!isObjectType(parent) && !isInterfaceType(parent)) return
    const field = parent.getFields()[name.value]
    const key = alias?.value ?? name.value
    if (field === undefined) return
    if (selectionSet !== undefined) return add(into, key, this.of(selectionSet, getNamedType(field.type)))
    const price = field.extensions['complexity']
    if (typeof price === 'number' && price > 0) into.set(key, price)
  }
}

function addAll(into: MutableShape, more: Shape): void {
  for (const [key, inner] of more) add(into, key, inner)
}

/** What is known already is never changed: it may belong to other places, too. */
function add(into: MutableShape, key: string, more: Shape | number): void {
  const known = into.get(key)
  if (known === more) return
  if (!(known instanceof Map) || typeof more === 'number') {
    into.set(key, more)
    return
  }
  const both: MutableShape = new Map(known)
  addAll(both, more)
  into.set(key, both)
}
