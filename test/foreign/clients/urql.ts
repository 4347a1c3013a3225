import { type AnyVariables, Client, fetchExchange, type OperationResult, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'
import { graphqlUrl, headers, socketUrl, tell, token } from './connection.ts'
import { Page, Read, Submit, Watch, Write } from './operations.ts'

const socket = createClient({ url: socketUrl, connectionParams: { token } })
const client = new Client({
  url: graphqlUrl,
  fetchOptions: { headers },
  preferGetMethod: false,
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables: variables ?? {} }, sink) }),
      }),
    }),
  ],
})

function dataOf<Data, Variables extends AnyVariables>({ data, error }: OperationResult<Data, Variables>): Data {
  if (data === undefined) throw error ?? new Error('There is no data.')
  return data
}

async function submit(name: string) {
  const { submitTask } = dataOf(await client.mutation(Submit, { input: { type: 'greets', input: { name } } }))
  if (submitTask.__typename !== 'SubmitTaskPayload') throw new Error(submitTask.message)
  return submitTask.task.id
}

function watched(id: string) {
  return new Promise<{ status: string; result: unknown }>((resolve, reject) => {
    const { unsubscribe } = client.subscription(Watch, { id }).subscribe(({ data, error }) => {
      if (error !== undefined) reject(error)
      const task = data?.taskUpdates.task
      if (task?.status !== 'COMPLETED' && task?.status !== 'FAILED') return
      resolve(task)
      setImmediate(() => unsubscribe())
    })
  })
}

async function pages() {
  const ids: string[][] = []
  let after: string | null = null
  do {
    const { tasks }: { tasks: Awaited<ReturnType<typeof page>> } = { tasks: await page(after) }
    ids.push(tasks.edges.map(({ node }) => node.id))
    after = tasks.pageInfo.hasNextPage ? tasks.pageInfo.endCursor : null
  } while (after !== null)
  return ids
}

async function page(after: string | null) {
  return dataOf(await client.query(Page, { type: ['waits'], first: 2, after })).tasks
}

const { status, result } = await watched(await submit('urql'))
const place = { collection: 'foreign', key: 'urql' }
await client.mutation(Write, { input: { ...place, data: { list: [1, null, 'ü'] } } })
const { document } = dataOf(await client.query(Read, place))
const { putDocument } = dataOf(await client.mutation(Write, { input: { ...place, data: 2, expectedVersion: 0 } }))
const { error } = await client.query(Page, { first: 0 })
tell({
  status,
  result,
  pages: await pages(),
  document: document ?? undefined,
  refusal: 'code' in putDocument ? putDocument.code : undefined,
  error: error?.graphQLErrors[0]?.extensions['code'],
})
await socket.dispose()
