import { scheduler } from 'node:timers/promises'
import { ClientError, GraphQLClient } from 'graphql-request'
import { graphqlUrl, headers, tell } from './connection.ts'
import { graphql } from './generated/graphql/gql.ts'
import { Page, Read, Submit, Write } from './operations.ts'

const Result = graphql(`
  query Result($id: ID!) {
    task(id: $id) {
      status
      finishedAt
      result
    }
  }
`)

const client = new GraphQLClient(graphqlUrl, { headers })

async function submit(name: string) {
  const { submitTask } = await client.request(Submit, { input: { type: 'greets', input: { name } } })
  if (submitTask.__typename !== 'SubmitTaskPayload') throw new Error(submitTask.message)
  return submitTask.task.id
}

async function finished(id: string) {
  for (;;) {
    const { task } = await client.request(Result, { id })
    if (task?.finishedAt) return task
    await scheduler.wait(20)
  }
}

async function pages() {
  const ids: string[][] = []
  for (let after: string | null = null; ; ) {
    const { tasks }: { tasks: Awaited<ReturnType<typeof page>>['tasks'] } = await page(after)
    ids.push(tasks.edges.map(({ node }) => node.id))
    if (!tasks.pageInfo.hasNextPage) return ids
    after = tasks.pageInfo.endCursor
  }
}

function page(after: string | null) {
  return client.request(Page, { type: ['waits'], first: 2, after })
}

async function errorCode() {
  try {
    await client.request(Page, { first: 0 })
    return undefined
  } catch (error) {
    return error instanceof ClientError ? error.response.errors?.[0]?.extensions['code'] : undefined
  }
}

const { status, result } = await finished(await submit('graphql-request'))
const place = { collection: 'foreign', key: 'graphql-request' }
await client.request(Write, { input: { ...place, data: { list: [1, null, 'ü'] } } })
const { document } = await client.request(Read, place)
const { putDocument } = await client.request(Write, { input: { ...place, data: 2, expectedVersion: 0 } })
tell({
  status,
  result,
  pages: await pages(),
  document: document ?? undefined,
  refusal: 'code' in putDocument ? putDocument.code : undefined,
  error: await errorCode(),
})
