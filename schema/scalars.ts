import { GraphQLError, Kind, type ValueNode, valueFromASTUntyped, visit } from 'graphql'
import { DateTimeResolver } from 'graphql-scalars'
import { builder } from './builder.ts'

builder.addScalarType('DateTime', DateTimeResolver, {
  description: 'A moment, as an ISO 8601 text with its offset (RFC 3339).',
})

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node, variables) => valueFromASTUntyped(withoutNames(node), variables),
})

/** A word without quotes, such as `NaN`, would become a text that nobody has written. */
function withoutNames(node: ValueNode): ValueNode {
  visit(node, {
    EnumValue({ value }) {
      throw new GraphQLError(`${value} is no JSON value; a text has quotes.`, { nodes: node })
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
    throw new GraphQLError('A text in base64 is needed here.')
  return Buffer.from(value, 'base64')
}
