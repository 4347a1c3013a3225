import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { createClient } from 'graphql-ws'
import { graphqlUrl, headers, socketUrl, tell, token } from './connection.ts'
import { graphql } from './generated/graphql/gql.ts'
import { Cancel, Page, Read, Submit, TaskStatus, Watch, Write } from './operations.ts'

const PossibleTypes = graphql(`
  query PossibleTypes {
    __schema {
      types {
        name
        possibleTypes {
          name
        }
      }
    }
  }
`)

const socket = createClient({ url: socketUrl, connectionParams: { token } })
const http = new HttpLink({ uri: graphqlUrl, headers })

/** Without them Apollo drops what fragments on an interface select. */
async function possibleTypes() {
  const asking = new ApolloClient({ link: http, cache: new InMemoryCache() })
  const { data } = await asking.query({ query: PossibleTypes })
  return Object.fromEntries(
    (data?.__schema.types ?? []).flatMap(({ name, possibleTypes }) =>
      name && possibleTypes ? [[name, possibleTypes.map((type) => type.name ?? '')]] : [],
    ),
  )
}

const client = new ApolloClient({
  link: ApolloLink.split(({ operationType }) => operationType === 'subscription', new GraphQLWsLink(socket), http),
  cache: new InMemoryCache({ possibleTypes: await possibleTypes() }),
})

async function submit(type: string, input: object, runAt?: string) {
  const { data } = await client.mutate({
    mutation: Submit,
    variables: { input: { type, input, runAt: runAt ?? null } },
  })
  if (data?.submitTask.__typename !== 'SubmitTaskPayload') throw new Error(data?.submitTask.message)
  return data.submitTask.task.id
}

function watched(id: string) {
  return new Promise<{ status: string; result: unknown } | undefined>((resolve, reject) => {
    let last: { status: string; result: unknown } | undefined
    client.subscribe({ query: Watch, variables: { id } }).subscribe({
      next({ data }) {
        last = data?.taskUpdates.task ?? last
      },
      error: reject,
      complete: () => resolve(last),
    })
  })
}

/** What a query that is being watched shows when a mutation, and nothing else, brings a newer state of its object. */
async function live() {
  const id = await submit('greets', { name: 'later' }, '2999-01-01T00:00:00Z')
  const seen: string[] = []
  const cancelled = Promise.withResolvers<void>()
  const query = client.watchQuery({ query: TaskStatus, variables: { id }, fetchPolicy: 'cache-first' })
  const watching = query.subscribe(({ data, dataState }) => {
    if (dataState !== 'complete' || !data.task) return
    seen.push(data.task.status)
    if (seen.length === 1) void client.mutate({ mutation: Cancel, variables: { id } })
    if (data.task.status === 'CANCELLED') cancelled.resolve()
  })
  await cancelled.promise
  watching.unsubscribe()
  return seen
}

async function pages() {
  const ids: string[][] = []
  let after: string | null = null
  do {
    const tasks: Awaited<ReturnType<typeof page>> = await page(after)
    ids.push(tasks?.edges.map(({ node }) => node.id) ?? [])
    after = tasks?.pageInfo.hasNextPage ? tasks.pageInfo.endCursor : null
  } while (after !== null)
  return ids
}

async function page(after: string | null) {
  const { data } = await client.query({ query: Page, variables: { type: ['waits'], first: 2, after } })
  return data?.tasks
}

async function errorCode() {
  try {
    await client.query({ query: Page, variables: { first: 0 } })
    return undefined
  } catch (error) {
    return CombinedGraphQLErrors.is(error) ? error.errors[0]?.extensions?.['code'] : undefined
  }
}

const task = await watched(await submit('greets', { name: 'apollo' }))
const place = { collection: 'foreign', key: 'apollo' }
await client.mutate({ mutation: Write, variables: { input: { ...place, data: { list: [1, null, 'ü'] } } } })
const read = await client.query({ query: Read, variables: place })
const again = { ...place, data: 2, expectedVersion: 0 }
const refused = (await client.mutate({ mutation: Write, variables: { input: again } })).data?.putDocument
tell({
  status: task?.status,
  result: task?.result,
  pages: await pages(),
  document: read.data?.document ? { version: read.data.document.version, data: read.data.document.data } : undefined,
  refusal: refused && 'code' in refused ? refused.code : undefined,
  error: await errorCode(),
  live: await live(),
})
client.stop()
await socket.dispose()
