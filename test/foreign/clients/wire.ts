import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type FormattedExecutionResult, print } from 'graphql'
import { tell } from './connection.ts'
import { Page, Read, Submit, Watch, Write } from './operations.ts'

export interface Request {
  readonly query: string
  readonly variables: Record<string, unknown>
}

/** What graphql-ws and graphql-sse have in common: every operation is a stream of results. */
export type Iterate = <Data>(request: Request) => AsyncIterable<FormattedExecutionResult<Data, unknown>>

/** Does the work of all programs with a client that sends requests as they are. */
export async function work(name: string, iterate: Iterate): Promise<void> {
  async function* results<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ) {
    for await (const result of iterate<Data>({ query: print(document), variables })) yield result
  }

  async function once<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    of: Variables,
  ) {
    for await (const { data, errors } of results(document, of)) {
      if (data) return data
      throw new Error(errors?.[0]?.message)
    }
    throw new Error('There was no result.')
  }

  async function submit() {
    const { submitTask } = await once(Submit, { input: { type: 'greets', input: { name } } })
    if (submitTask.__typename !== 'SubmitTaskPayload') throw new Error(submitTask.message)
    return submitTask.task.id
  }

  /** The server ends the stream when the task has ended. */
  async function watched(id: string) {
    let last: { status: string; result: unknown } | undefined
    for await (const { data } of results(Watch, { id })) last = data?.taskUpdates.task ?? last
    return last
  }

  async function pages() {
    const ids: string[][] = []
    let after: string | null = null
    do {
      const tasks: Awaited<ReturnType<typeof page>> = await page(after)
      ids.push(tasks.edges.map(({ node }) => node.id))
      after = tasks.pageInfo.hasNextPage ? tasks.pageInfo.endCursor : null
    } while (after !== null)
    return ids
  }

  async function page(after: string | null) {
    return (await once(Page, { type: ['waits'], first: 2, after })).tasks
  }

  async function errorCode() {
    for await (const { errors } of results(Page, { first: 0 })) return errors?.[0]?.extensions?.['code']
    return undefined
  }

  const task = await watched(await submit())
  const place = { collection: 'foreign', key: name }
  await once(Write, { input: { ...place, data: { list: [1, null, 'ü'] } } })
  const { document } = await once(Read, place)
  const { putDocument } = await once(Write, { input: { ...place, data: 2, expectedVersion: 0 } })
  tell({
    status: task?.status,
    result: task?.result,
    pages: await pages(),
    document: document ?? undefined,
    refusal: 'code' in putDocument ? putDocument.code : undefined,
    error: await errorCode(),
  })
}
