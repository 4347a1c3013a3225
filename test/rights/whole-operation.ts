import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  buildSchema,
  type GraphQLField,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  getNamedType,
  isCompositeType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from 'graphql'

/** The schema as it is printed, which a test of its own holds to what the server serves. */
export const schema = buildSchema(readFileSync(join(import.meta.dirname, '../../schema/schema.graphql'), 'utf8'))

export const roots = ['Query', 'Mutation', 'Subscription'] as const
export type Root = (typeof roots)[number]

export function fieldsOf(type: GraphQLObjectType): GraphQLField<unknown, unknown>[] {
  return Object.values(type.getFields())
}

export function rootFields(root: Root): GraphQLField<unknown, unknown>[] {
  const type = schema.getType(root)
  return isObjectType(type) ? fieldsOf(type) : []
}

/** An operation that calls a root field and asks for all that can be had of it without arguments. */
export function wholeOperation(root: Root, name: string, args: Readonly<Record<string, unknown>>): string {
  const field = rootFields(root).find((one) => one.name === name)
  if (field === undefined) throw new Error(`There is no ${root}.${name}.`)
  const given = field.args.filter((arg) => arg.name in args)
  const declared = given.map((arg) => `$${arg.name}: ${arg.type}`).join(', ')
  const passed = given.map((arg) => `${arg.name}: $${arg.name}`).join(', ')
  const call = `${name}${passed && `(${passed})`} ${selectionOf(getNamedType(field.type), [])}`
  return `${root.toLowerCase()} ${name}${declared && ` (${declared})`} { ${call} }`
}

/** Everything of a type, each type once on the way down. */
function selectionOf(type: GraphQLNamedOutputType, above: readonly string[]): string {
  if (!isCompositeType(type)) return ''
  const path = [...above, type.name]
  if (isUnionType(type))
    return `{ __typename ${type
      .getTypes()
      .map((one) => `... on ${one.name} ${selectionOf(one, path)}`)
      .join(' ')} }`
  if (!isObjectType(type)) return '{ __typename }'
  const fields = fieldsOf(type).filter(
    (field) => !field.args.some(isRequiredArgument) && !path.includes(getNamedType(field.type).name),
  )
  // The same name has another type in each member of a union.
  const alias = (name: string) => (above.length > 0 ? `${type.name}_${name}: ${name}` : name)
  return `{ __typename ${fields.map((field) => `${alias(field.name)} ${selectionOf(getNamedType(field.type), path)}`).join(' ')} }`
}

/** All object types that can be reached through a field, and not through its failures. */
export function reachedFrom(field: GraphQLField<unknown, unknown>): Set<string> {
  const reached = new Set<string>()
  const visit = (type: GraphQLNamedOutputType) => {
    if (isUnionType(type)) for (const member of type.getTypes()) visit(member)
    if (!isObjectType(type) || reached.has(type.name)) return
    reached.add(type.name)
    for (const one of fieldsOf(type)) visit(getNamedType(one.type))
  }
  visit(getNamedType(field.type))
  return reached
}

/** Whether a type only carries what it holds: a connection, an edge, a mutation's result, or its failure. */
export function isCarrier(type: GraphQLObjectType): boolean {
  return (
    /(Connection|Edge|Payload)$/.test(type.name) ||
    type.getInterfaces().some((implemented) => implemented.name === 'Failure')
  )
}
