import { graphql } from './graphql.ts'
import type { TestServer } from './server.ts'

export interface ToldDocument {
  readonly collection: string
  readonly key: string
  readonly version: number
  readonly data: unknown
  readonly deleted: boolean
  readonly createdAt: string
  readonly updatedAt: string
  readonly updatedBy: { readonly kind: string; readonly name: string }
  readonly expiresAt: string | null
}

/** The outcome of a write: the document, or why there is none. */
export interface ToldWrite {
  readonly document?: ToldDocument
  readonly code?: string
  readonly message?: string
  readonly currentVersion?: number
  readonly expectedVersion?: number
  readonly by?: { readonly name: string } | null
  readonly issues?: readonly { readonly path: string; readonly message: string }[]
}

type At = Pick<TestServer, 'url' | 'token'>

const fields = 'collection key version data deleted createdAt updatedAt updatedBy { kind name } expiresAt'

/** Does one write by its mutation, such as `putDocument`; errors beside the payload are thrown. */
export async function write(at: At, mutation: string, input: object): Promise<ToldWrite> {
  const name = mutation.charAt(0).toUpperCase() + mutation.slice(1)
  const { data, errors } = await graphql<Record<string, ToldWrite>>(
    at,
    `mutation ($input: ${name}Input!) { ${mutation}(input: $input) {
      ... on ${name}Payload { document { ${fields} } } ... on Failure { code message }
      ... on VersionConflict { currentVersion expectedVersion by { name } } ... on InvalidInput { issues { path message } }
    } }`,
    { input },
  )
  if (errors !== undefined) throw Object.assign(new Error(JSON.stringify(errors)), { errors })
  return data?.[mutation] ?? {}
}

/** Puts a document that is expected to be taken. */
export async function put(at: At, key: string, data: unknown, more: object = {}): Promise<ToldDocument> {
  const { document, ...failure } = await write(at, 'putDocument', { key, data, ...more })
  if (document === undefined) throw new Error(JSON.stringify(failure))
  return document
}

/** Reads a document. */
export async function get(at: At, key: string, more: Record<string, unknown> = {}): Promise<ToldDocument | null> {
  const { data, errors } = await graphql<{ document: ToldDocument | null }>(
    at,
    `query ($key: String!, $collection: String! = "default", $version: Int, $at: DateTime, $deleted: Boolean) {
      document(key: $key, collection: $collection, version: $version, at: $at, deleted: $deleted) { ${fields} }
    }`,
    { key, ...more },
  )
  if (errors !== undefined) throw Object.assign(new Error(JSON.stringify(errors)), { errors })
  return data?.document ?? null
}
