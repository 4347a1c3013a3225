import { restRights } from '#test/rights/rest.ts'
import type { Things } from '#test/support/things.ts'
import { type CallerName, type Case, placeholder, shown, withHostile, withValue } from './case.ts'

interface Parameter {
  readonly name: string
  readonly in: string
}

interface JsonSchema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
}

interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
}

/** The part of an OpenAPI document that is looked at. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas?: Readonly<Record<string, JsonSchema>> }
}

/** A piece of a row in which something hostile can stand. */
export interface RestPlace {
  readonly name: string
  readonly row: string
  readonly piece: 'path' | 'query' | 'header' | 'body' | 'whole body'
  /** Of a parameter, its name; of the body, the path within it. */
  readonly path: readonly string[]
}

const maxDepth = 4

function bodyPaths(document: OpenApi, schema: JsonSchema | undefined, depth = 0): string[][] {
  if (schema === undefined || depth > maxDepth) return [[]]
  const { $ref, properties = {}, items } = schema
  if ($ref !== undefined) return bodyPaths(document, document.components.schemas?.[$ref.split('/').at(-1) ?? ''], depth)
  const variants = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [
    [],
    ...Object.entries(properties).flatMap(([name, of]) =>
      bodyPaths(document, of, depth + 1).map((path) => [name, ...path]),
    ),
    ...(items ? bodyPaths(document, items, depth + 1).map((path) => ['0', ...path]) : []),
    ...variants.flatMap((of) => bodyPaths(document, of, depth + 1).filter((path) => path.length > 0)),
  ]
}

/** Headers that any row may look at, documented or not. */
const commonHeaders = [
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Prefer',
  'Range',
  'Accept',
  'X-Request-Id',
  'Cookie',
]

/** Every place of every row that the document has; the second prefix stands for the same rows. */
export function restPlaces(document: OpenApi): RestPlace[] {
  return Object.entries(document.paths)
    .filter(([path]) => !path.startsWith('/sfp/'))
    .flatMap(([path, item]) =>
      Object.entries(item).flatMap(([method, operation]) =>
        placesOf(document, `${method.toUpperCase()} ${path}`, operation),
      ),
    )
}

function placesOf(document: OpenApi, row: string, { parameters = [], requestBody }: Operation): RestPlace[] {
  const place = (piece: RestPlace['piece'], path: readonly string[]): RestPlace => ({
    name: `${row} ${piece} ${path.join('.')}`,
    row,
    piece,
    path,
  })
  const schema = Object.values(requestBody?.content ?? {})[0]?.schema
  const unique = new Map(bodyPaths(document, schema).map((path) => [path.join('.'), path]))
  const headers = new Set([
    ...parameters.filter((one) => one.in === 'header').map(({ name }) => name),
    ...commonHeaders,
  ])
  return [
    ...parameters.filter((one) => one.in === 'path').map(({ name }) => place('path', [name])),
    ...parameters.filter((one) => one.in === 'query').map(({ name }) => place('query', [name])),
    place('query', ['__proto__']),
    ...[...headers].map((name) => place('header', [name])),
    ...(requestBody === undefined ? [] : [...unique.values()].map((path) => place('body', path))),
    place('whole body', []),
  ]
}

/** What may stand in a place. */
export interface HostileRest {
  readonly json: readonly string[]
  readonly segments: readonly string[]
  readonly headers: readonly string[]
  readonly bodies: readonly (string | Buffer)[]
}

export function hostileFor({ piece }: RestPlace, hostile: HostileRest): readonly (string | Buffer)[] {
  if (piece === 'body') return hostile.json
  if (piece === 'header') return hostile.headers
  return piece === 'whole body' ? [...hostile.bodies, ...hostile.json] : hostile.segments
}

/** The row's example with something hostile in a place. */
export function restCase(place: RestPlace, things: Things, hostile: string | Buffer, caller: CallerName): Case {
  const [method = '', pattern = ''] = place.row.split(' ')
  const right = restRights[place.row]
  const params = right?.params?.(things) ?? {}
  const [name = ''] = place.path
  const path = pattern.replace(/{(\w+)}/g, (_, param: string) =>
    place.piece === 'path' && param === name ? String(hostile) : encodeURIComponent(params[param] ?? 'none'),
  )
  const search = new URLSearchParams(right?.query?.(things) ?? {})
  if (place.piece === 'query') search.delete(name)
  const own = place.piece === 'query' ? `${encodeURIComponent(name)}=${hostile}` : ''
  const query = [search.toString(), own].filter(Boolean).join('&')
  const body = bodyOf(place, right?.body?.(things), hostile)
  return {
    name: `${place.name} = ${shown(hostile)} by ${caller}`,
    method,
    path: `${path}${query && `?${query}`}`,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(place.piece === 'header' && { [name]: String(hostile) }),
    },
    ...(body !== undefined && { body }),
    caller,
  }
}

function bodyOf(place: RestPlace, example: unknown, hostile: string | Buffer): string | Buffer | undefined {
  if (place.piece === 'whole body') return hostile
  if (place.piece === 'body') return withHostile(withValue(example ?? {}, place.path, placeholder), String(hostile))
  return example === undefined ? undefined : JSON.stringify(example)
}
