import { GraphQLError, Kind, type ValueNode, valueFromASTUntyped, visit } from 'graphql'
import { DateTimeResolver } from 'graphql-scalars'
import { isWithinYears } from '#lib/moment.ts'
import { builder } from './builder.ts'

builder.scalarType('DateTime', {
  description: 'A point in time within the years 1 to 9999 in UTC, in ISO 8601 format with its offset (RFC 3339).',
  serialize: (value) => DateTimeResolver.serialize(value) as Date,
  parseValue: (value) => withinYears(DateTimeResolver.parseValue(value) as Date),
  parseLiteral: (node, variables) => withinYears(DateTimeResolver.parseLiteral(node, variables ?? {}) as Date),
})

/** Other years are written with a sign or as BC, which the database's own formats and JSON's don't share. */
function withinYears(moment: Date): Date {
  if (isWithinYears(moment)) return moment
  throw new GraphQLError('DateTime must be within the years 1 to 9999 in UTC.')
}

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(withoutNames(node), variables),
})

/** A word without quotes, such as `NaN`, would become a string that nobody has written. */
function withoutNames(node: ValueNode): ValueNode {
  visit(node, {
    EnumValue({ value }) {
      throw new GraphQLError(`${value} is not a JSON value; a string has quotes.`, { nodes: node })
    },
  })
  return node
}

builder.scalarType('Base64', {
  description: 'Bytes, as base64 (RFC 4648 §4).',
  serialize: (value) => Buffer.from(value as Uint8Array).toString('base64'),
  parseValue: parseBase64,
  parseLiteral: (node: ValueNode) => parseBase64(node.kind === Kind.STRING ? node.value : undefined),
})

function parseBase64(value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new GraphQLError('The value must be a base64 string.')
  return Buffer.from(value, 'base64')
}
