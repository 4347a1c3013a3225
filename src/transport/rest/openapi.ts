import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import { formType } from '#transport/content.ts'
import { publicPathOf } from '#transport/public-path.ts'
import { neededScopes } from './needed-scopes.ts'
import { problem, problemType } from './problem.ts'
import { problemExample } from './problem-example.ts'
import { type AnswerDocs, answersJson, type RouteDescription } from './route.ts'

type Json = Readonly<Record<string, unknown>>

/** An OpenAPI 3.1 document. */
export interface OpenApiDocument {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Json>>
  readonly components: { readonly schemas: Json; readonly responses: Json; readonly securitySchemes: Json }
  readonly [more: string]: unknown
}

const tags = {
  Health: 'The state of the server.',
  Tasks: 'Submit, follow and cancel work.',
  Workers: 'Programs in any language that run tasks.',
  Logs: 'The output of tasks.',
  Events: 'What happened, in commit order.',
  Locks: 'Distributed locks: named leases with a queue and a fencing token.',
  Environments: 'Share environments, such as test orgs: one caller holds each, others wait for their turn.',
  'Key-value': 'Values under keys.',
  'Signing in': 'Signing in and out, and refreshing tokens.',
  'Application tokens': 'Credentials of programs.',
  Users: 'The people of the account.',
  Teams: 'People who work together.',
  Audit: 'The audit log: who did what, when, from where, and with which scopes.',
  Documents: 'Versioned JSON values in collections.',
  Hooks: 'Inbound webhooks, for callers such as GitHub.',
  Webhooks: 'Endpoints that receive events, and their deliveries.',
  Salesforce: 'Register Salesforce orgs, test them, and open them in a browser.',
  Documentation: 'This document.',
}

/** Statuses that any route may respond with: the first ones if it needs a token, the second ones if it has a body. */
const tokenRefusals = [401, 403, 429]
const bodyRefusals = [413, 415, 422]

export interface DocumentOptions {
  /** Of this server. */
  readonly version: string
  /** Where this installation is reached; where the document is, when undefined. */
  readonly publicUrl: string | undefined
}

/** The whole table as an OpenAPI 3.1 document. Each path stands in it once; the second prefix is a server of its own. */
export function createDocument(
  routes: readonly RouteDescription[],
  { version, publicUrl }: DocumentOptions,
): OpenApiDocument {
  const publicPath = publicPathOf(publicUrl)
  const server = { url: publicPath || '/', description: 'The API.' }
  const schemas = new Schemas()
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = route.place === 'root' ? route.path : `/api${route.path}`
    const item = paths[path] ?? (route.place === 'root' ? { servers: [server] } : {})
    item[route.method] = operation(route, `${route.method.toUpperCase()} ${path}`, schemas)
    paths[path] = item
  }
  const problemRef = schemas.refer(problem, 'output')
  return {
    openapi: '3.1.1',
    info: { title: 'Signalbox', version, description },
    servers: [server, { url: `${publicPath}/sfp`, description: 'The same paths below `/sfp`.' }],
    security: [{ token: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An application token or an access token.' },
      },
      responses: problemResponses(routes, problemRef),
      schemas: schemas.named,
    },
  }
}

const description =
  'The REST API; each call runs an operation of the GraphQL API at `/graphql`. Every path below `/api` also answers ' +
  'below `/sfp/api`. A refused request is answered with a problem document (RFC 9457); programs decide by its `code`.'

/** What a call without required scopes needs. */
const proofs = {
  token: undefined,
  open: 'Needs no token.',
  signed: 'Needs no token: the caller proves itself by a signature or a secret.',
} as const

const securityOf = { token: {}, open: { security: [{}, { token: [] }] }, signed: { security: [] } } as const

function operation(route: RouteDescription, call: string, schemas: Schemas): Json {
  const { name, tag, summary } = route
  const needed = neededScopes(call)
  const proof = needed?.sentence ?? proofs[route.access]
  const description = [route.description, proof].filter((text) => text !== undefined).join('\n\n')
  return {
    operationId: name,
    tags: [tag],
    summary,
    ...(description !== '' && { description }),
    ...(needed && { 'x-required-scopes': needed.required, 'x-sufficient-scopes': needed.sufficient }),
    ...securityOf[route.access],
    parameters: parameters(route, schemas),
    ...(route.body !== undefined && { requestBody: requestBody(route, route.body, schemas) }),
    responses: responses(route, schemas),
  }
}

/** Headers that OpenAPI has no parameters for (§4.12.1), or that clients send by themselves. */
const impliedHeaders = new Set(['accept', 'authorization', 'content-type', 'cookie', 'host'])

const places = { params: 'path', query: 'query', headers: 'header' } as const

function parameters(route: RouteDescription, schemas: Schemas): Json[] {
  return (Object.keys(places) as (keyof typeof places)[]).flatMap((piece) => {
    const schema = route[piece]
    if (schema === undefined) return []
    const { properties = {}, required = [] } = schemas.inline(schema, 'input') as ObjectSchema
    const shown = Object.entries(properties).filter(([name]) => piece !== 'headers' || !impliedHeaders.has(name))
    return shown.map(([name, { description, ...rest }]) => ({
      name: piece === 'headers' ? name.replace(/(^|-)\w/g, (letters) => letters.toUpperCase()) : name,
      in: places[piece],
      required: piece === 'params' || required.includes(name),
      ...(description !== undefined && { description }),
      schema: rest,
    }))
  })
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, Json>>
  readonly required?: readonly string[]
}

function requestBody(route: RouteDescription, body: z.ZodType, schemas: Schemas): Json {
  const examples = Object.entries(route.bodyExamples ?? {}).map(([name, value]) => [name, { value }] as const)
  const refer = (schema = body) => schemas.refer(schema, 'input')
  if (route.bodyTypes !== undefined)
    return {
      required: route.bodyIsOptional !== true,
      content: Object.fromEntries(
        Object.entries(route.bodyTypes).map(([type, { schema, example }]) => [
          type,
          { schema: refer(schema), example },
        ]),
      ),
    }
  return {
    required: route.bodyIsOptional !== true,
    content: {
      ...(route.bodyOfForm !== undefined && { [formType]: { schema: refer() } }),
      'application/json': {
        schema: refer(),
        ...(examples.length > 0 && { examples: Object.fromEntries(examples) }),
      },
    },
  }
}

function responses(route: RouteDescription, schemas: Schemas): Json {
  const answered = Object.entries(route.answers).map(([status, docs]) => [status, response(docs, schemas)] as const)
  const refused = refusalsOf(route).map(
    (status) => [status, { $ref: `#/components/responses/${responseName(status)}` }] as const,
  )
  return Object.fromEntries([...refused, ...answered])
}

function response({ description, schema, contentType, headers = {}, example }: AnswerDocs, schemas: Schemas): Json {
  const shown = {
    ...(schema && { schema: schemas.refer(schema, 'output') }),
    ...(example !== undefined && { example }),
  }
  const described = Object.entries(headers).map(
    ([name, text]) => [name, { description: text, schema: { type: 'string' } }] as const,
  )
  const type = contentType ?? (schema && 'application/json')
  return {
    description,
    ...(described.length > 0 && { headers: Object.fromEntries(described) }),
    ...(type !== undefined && { content: { [type]: shown } }),
  }
}

function refusalsOf(route: RouteDescription): number[] {
  const asks = route.params ?? route.query ?? route.headers ?? route.body
  return [
    ...(asks === undefined ? [] : [400]),
    ...(route.access === 'token' ? tokenRefusals : []),
    ...(route.access === 'open' && route.isUncounted !== true ? [429] : []),
    ...(route.body === undefined ? [] : bodyRefusals),
    ...(route.refusals ?? []),
    ...(answersJson(route) ? [406] : []),
    ...(route.access === 'token' ? [503] : []),
  ]
}

function responseName(status: number): string {
  return (STATUS_CODES[status] ?? `Status ${status}`).replaceAll(/\W/g, '')
}

function problemResponses(routes: readonly RouteDescription[], schema: Json): Json {
  const statuses = new Set(routes.flatMap(refusalsOf))
  const entries = [...statuses].map((status) => [
    responseName(status),
    { description: STATUS_CODES[status], content: { [problemType]: { schema, example: problemExample(status) } } },
  ])
  return Object.fromEntries(entries)
}

type Override = NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override'] & {}

/** Moves a default into the description: client generators would make a body field with a default mandatory. */
function withoutDefaults({ jsonSchema }: Parameters<Override>[0]): void {
  if (jsonSchema.default === undefined) return
  const text = `Default: \`${JSON.stringify(jsonSchema.default)}\`.`
  jsonSchema.description = [jsonSchema.description, text].filter(Boolean).join(' ')
  delete jsonSchema.default
}

/** JSON Schemas of the table: those with a name of their own stand once, in the document's components. */
class Schemas {
  readonly named: Record<string, unknown> = {}

  /** The schema, or a reference to it when it has a name. */
  refer(schema: z.ZodType, io: 'input' | 'output'): Json {
    const name = schema.meta()?.id
    const inline = this.inline(schema, io, withoutDefaults)
    if (name === undefined) return inline
    this.named[name] ??= inline
    return { $ref: `#/components/schemas/${name}` }
  }

  /** The schema itself; what has a name inside of it is referred to. */
  inline(schema: z.ZodType, io: 'input' | 'output', override: Override = () => undefined): Json {
    const text = JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any', override }))
    const {
      $schema: _dialect,
      id: _id,
      $defs = {},
      ...rest
    } = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as Json & { $defs?: Record<string, Json> }
    for (const [name, { id: _inner, ...definition }] of Object.entries($defs)) this.named[name] ??= definition
    return rest
  }
}
