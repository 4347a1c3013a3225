import { headers, tell, url } from './connection.ts'
import { client } from './generated/hey-api/client.gen.ts'
import {
  acquireLock,
  getDocument,
  getTaskResult,
  getTaskStatus,
  listTasks,
  putDocument,
  submitTask,
} from './generated/hey-api/sdk.gen.ts'

client.setConfig({ baseUrl: url, headers })

async function submit(name: string) {
  const { data, error } = await submitTask({ body: { type: 'greets', data: { name } } })
  if (data === undefined) throw new Error(error?.message)
  return data.operationId
}

async function finished(operationId: string) {
  await getTaskStatus({ path: { operationId }, query: { wait: 10 } })
  const { data, error } = await getTaskResult({ path: { operationId } })
  if (data === undefined) throw new Error(error?.message)
  return data
}

async function pages() {
  const ids: string[][] = []
  for (let offset = 0; ; offset += 2) {
    const { data = [], response } = await listTasks({ query: { type: ['waits'], limit: 2, offset } })
    ids.push(data.map(({ operationId }) => operationId))
    if (!response?.headers.has('link')) return ids
  }
}

const task = await finished(await submit('hey-api'))
const path = { key: 'hey-api' }
await putDocument({ path, body: { value: { list: [1, null, 'ü'] } } })
const { data: document } = await getDocument({ path })
const refused = await putDocument({ path, body: { value: 2, version: 7 } })
const wrong = await listTasks({ query: { limit: 0 } })
const place = { repository: 'foreign/hey-api', resource: 'prod' }
const { data: lock } = await acquireLock({ body: { ...place, leaseDurationSeconds: 60 } })
tell({
  status: task.status.toUpperCase(),
  result: task.result,
  pages: await pages(),
  document: document && { version: document.version, data: document.value },
  refusal: refused.error?.code,
  error: wrong.error?.code,
  ticket: lock && 'ticketId' in lock ? lock.status : undefined,
})
