import { createClient } from 'graphql-ws'
import {
  ConnectionHandler,
  commitLocalUpdate,
  commitMutation,
  createOperationDescriptor,
  Environment,
  fetchQuery,
  type GraphQLResponse,
  getRequest,
  Network,
  Observable,
  RecordSource,
  requestSubscription,
  Store,
} from 'relay-runtime'
import { graphqlUrl, headers, socketUrl, tell, token } from './connection.ts'
import ErrorQuery, { type documentsErrorQuery } from './generated/relay/documentsErrorQuery.graphql.ts'
import ListPaginationQuery, {
  type documentsListPaginationQuery,
} from './generated/relay/documentsListPaginationQuery.graphql.ts'
import ListQuery, { type documentsListQuery } from './generated/relay/documentsListQuery.graphql.ts'
import NodesQuery, { type documentsNodesQuery } from './generated/relay/documentsNodesQuery.graphql.ts'
import ReadQuery, { type documentsReadQuery } from './generated/relay/documentsReadQuery.graphql.ts'
import SubmitMutation, { type documentsSubmitMutation } from './generated/relay/documentsSubmitMutation.graphql.ts'
import TaskRefetchQuery, {
  type documentsTaskRefetchQuery,
} from './generated/relay/documentsTaskRefetchQuery.graphql.ts'
import WatchSubscription, {
  type documentsWatchSubscription,
} from './generated/relay/documentsWatchSubscription.graphql.ts'
import WriteMutation, { type documentsWriteMutation } from './generated/relay/documentsWriteMutation.graphql.ts'

const socket = createClient({ url: socketUrl, connectionParams: { token } })
let lastCode: unknown

const network = Network.create(
  async ({ text }, variables) => {
    const response = await fetch(graphqlUrl, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ query: text, variables }),
    })
    const answer = await response.json()
    lastCode = answer.errors?.[0]?.extensions?.code
    return answer
  },
  ({ text }, variables) =>
    Observable.create<GraphQLResponse>((sink) =>
      socket.subscribe<Record<string, unknown>>(
        { query: text ?? '', variables },
        {
          next: ({ data }) => data && sink.next({ data }),
          error: (error) => sink.error(error instanceof Error ? error : new Error(String(error))),
          complete: () => sink.complete(),
        },
      ),
    ),
)
const environment = new Environment({ network, store: new Store(new RecordSource()) })

function submit(input: documentsSubmitMutation['variables']['input']) {
  return new Promise<string>((resolve, reject) => {
    commitMutation<documentsSubmitMutation>(environment, {
      mutation: SubmitMutation,
      variables: { input },
      onError: reject,
      onCompleted({ submitTask: { task, message } }) {
        if (task === undefined) reject(new Error(message))
        else resolve(task.id)
      },
    })
  })
}

function write(input: documentsWriteMutation['variables']['input']) {
  return new Promise<documentsWriteMutation['response']['putDocument']>((resolve, reject) => {
    commitMutation<documentsWriteMutation>(environment, {
      mutation: WriteMutation,
      variables: { input },
      onError: reject,
      onCompleted: ({ putDocument }) => resolve(putDocument),
    })
  })
}

function watched(id: string) {
  return new Promise<{ status: string; result: unknown } | undefined>((resolve, reject) => {
    let last: { status: string; result: unknown } | undefined
    requestSubscription<documentsWatchSubscription>(environment, {
      subscription: WatchSubscription,
      variables: { id },
      onNext(response) {
        last = response?.taskUpdates.task ?? last
      },
      onError: reject,
      onCompleted: () => resolve(last),
    })
  })
}

/** The connection as it is in the store, where each page is added to those before it. */
function connection(type: string[]) {
  let ids: string[] = []
  let after: string | undefined
  commitLocalUpdate(environment, (store) => {
    const tasks = ConnectionHandler.getConnection(store.getRoot(), 'documents_tasks', { where: { type } })
    ids = (tasks?.getLinkedRecords('edges') ?? []).flatMap((edge) => edge?.getLinkedRecord('node')?.getDataID() ?? [])
    const pageInfo = tasks?.getLinkedRecord('pageInfo')
    const end = pageInfo?.getValue('endCursor')
    after = pageInfo?.getValue('hasNextPage') === true && typeof end === 'string' ? end : undefined
  })
  return { ids, after }
}

async function pages() {
  const type = ['waits']
  environment.retain(createOperationDescriptor(getRequest(ListQuery), { type }))
  await fetchQuery<documentsListQuery>(environment, ListQuery, { type }).toPromise()
  let { ids, after } = connection(type)
  const pages = [ids]
  while (after !== undefined) {
    const before = ids.length
    const variables = { type, first: 2, after }
    await fetchQuery<documentsListPaginationQuery>(environment, ListPaginationQuery, variables).toPromise()
    ;({ ids, after } = connection(type))
    pages.push(ids.slice(before))
  }
  return pages
}

async function errorCode() {
  try {
    await fetchQuery<documentsErrorQuery>(environment, ErrorQuery, {}).toPromise()
    return undefined
  } catch {
    return lastCode
  }
}

const id = await submit({ type: 'greets', input: { name: 'relay' } })
const task = await watched(id)
const place = { collection: 'foreign', key: 'relay' }
await write({ ...place, data: { list: [1, null, 'ü'] } })
const read = await fetchQuery<documentsReadQuery>(environment, ReadQuery, place).toPromise()
const refetched = await fetchQuery<documentsTaskRefetchQuery>(environment, TaskRefetchQuery, { id }).toPromise()
const several = await fetchQuery<documentsNodesQuery>(environment, NodesQuery, { ids: [id, 'none'] }).toPromise()
tell({
  status: task?.status,
  result: task?.result,
  pages: await pages(),
  document: read?.document ?? undefined,
  refusal: (await write({ ...place, data: 2, expectedVersion: 0 })).code,
  error: await errorCode(),
  refetched: refetched?.node !== null && refetched?.node !== undefined,
  nodes: several?.nodes.map((node) => node?.__typename ?? null),
})
await socket.dispose()
