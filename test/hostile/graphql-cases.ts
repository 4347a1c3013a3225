import type { Things } from '#test/support/things.ts'
import { type CallerName, type Case, placeholder, shown, withHostile, withValue } from './case.ts'
import { type Place, printLiteral } from './graphql-places.ts'

const json = { 'content-type': 'application/json' }

function request(place: Place, body: string, name: string, caller: CallerName): Case {
  const accept = place.root === 'Subscription' ? 'text/event-stream' : 'application/json'
  return { name, method: 'POST', path: '/graphql', headers: { ...json, accept }, body, caller }
}

/** The operation of a place with something hostile among its variables. */
export function variableCase(place: Place, things: Things, hostile: string, caller: CallerName): Case {
  const args = withValue(place.args(things), place.path, placeholder) as Record<string, unknown>
  const body = withHostile({ query: place.query(args), variables: args }, hostile)
  return request(place, body, `${place.name} = ${shown(hostile)} by ${caller}`, caller)
}

/** The operation of a place with something hostile written into it. */
export function literalCase(place: Place, things: Things, hostile: string, caller: CallerName): Case {
  const args = withValue(place.args(things), place.path, placeholder) as Record<string, unknown>
  const query = place.literalQuery(args, (type, value) =>
    printLiteral(type, value, (text) => (text === placeholder ? hostile : undefined)),
  )
  const name = `${place.name} = literal ${shown(hostile)} by ${caller}`
  return request(place, JSON.stringify({ query, variables: {} }), name, caller)
}

/** The request itself, made hostile. */
export function envelopeCase(body: string | Buffer, caller: CallerName): Case {
  return {
    name: `/graphql with the body ${shown(body)} by ${caller}`,
    method: 'POST',
    path: '/graphql',
    headers: json,
    body,
    caller,
  }
}

const fields = ['query', 'variables', 'operationName', 'extensions'] as const

/** A request of which one field is hostile. */
export function envelopeFieldCases(hostile: string, caller: CallerName): Case[] {
  const whole = { query: '{ viewer { id } }', variables: {}, operationName: null, extensions: {} }
  return fields.map((field) => envelopeCase(withHostile({ ...whole, [field]: placeholder }, hostile), caller))
}
