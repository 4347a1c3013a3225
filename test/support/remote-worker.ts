import { randomUUID } from 'node:crypto'
import { graphql, graphqlData } from './graphql.ts'
import type { TestServer } from './server.ts'

type Server = Pick<TestServer, 'url' | 'token'>

export interface Lease {
  readonly task: { readonly id: string; readonly type: string; readonly input: unknown; readonly labels: object }
  readonly attempt: number
  readonly fence: number
  readonly leaseUntil: string
  readonly checkpoint?: unknown
}

export interface Claimed {
  readonly leases: readonly Lease[]
  readonly workerId: string
  readonly slots: number
  readonly draining: boolean
}

export interface Failure {
  readonly __typename: string
  readonly code?: string
  readonly message?: string
}

/** A name of a type that no other test has. */
export const newType = (name: string) => `${name}.${randomUUID().slice(0, 8)}`

/** Registers a type that takes anything, unless its schemas are given; returns its name. */
export async function registerType(server: Server, name: string, more: object = {}): Promise<string> {
  const type = { name: newType(name), inputSchema: true, ...more }
  const query = `mutation ($types: [TaskTypeInput!]!) {
    registerTaskTypes(input: { types: $types }) { __typename ... on Failure { message } ... on RegisterTaskTypesPayload { types { name } } }
  }`
  const { registerTaskTypes } = await graphqlData<{ registerTaskTypes: Failure }>(server, query, { types: [type] })
  if (registerTaskTypes.__typename !== 'RegisterTaskTypesPayload') throw new Error(JSON.stringify(registerTaskTypes))
  return type.name
}

const payloads = {
  claimTasks: 'leases { task { id type input labels } attempt fence leaseUntil checkpoint } workerId slots draining',
  heartbeatTasks: 'leases { taskId leaseUntil cancelRequested lost }',
  reportTask: 'taskId droppedLines',
  completeTask: 'taskId',
  failTask: 'taskId',
  releaseTask: 'taskId',
}
type Command = keyof typeof payloads
const capital = (name: string) => name.charAt(0).toUpperCase() + name.slice(1)

/** A remote worker as a program is one: by requests over GraphQL. */
export function remoteWorker(server: Server, { token = server.token, worker = randomUUID() } = {}) {
  /** The answer of a command, payload or failure. */
  async function ask<Answer = Failure>(command: Command, input: object): Promise<Answer> {
    const query = `mutation ($input: ${capital(command)}Input!) {
      ${command}(input: $input) {
        __typename ... on Failure { code message } ... on ${capital(command)}Payload { ${payloads[command]} }
      }
    }`
    const answer = await graphql<Record<string, Answer>>(server, query, { input }, token)
    if (answer.errors !== undefined || answer.data == null) throw new Error(JSON.stringify(answer.errors))
    return answer.data[command] as Answer
  }

  async function claim(types: readonly string[], more: object = {}): Promise<Claimed> {
    const answer = await ask<Claimed & Failure>('claimTasks', { worker, types, ...more })
    if (answer.__typename !== 'ClaimTasksPayload') throw new Error(JSON.stringify(answer))
    return answer
  }

  /** The one task that is expected to wait, or to come soon. */
  async function claimOne(type: string, more: object = {}): Promise<Lease> {
    const { leases } = await claim([type], { waitMs: 20_000, ...more })
    const [lease] = leases
    if (lease === undefined) throw new Error(`No task of the type ${type} came.`)
    return lease
  }

  return {
    worker,
    ask,
    claim,
    claimOne,
    heartbeat: (leases: readonly Lease[], more: object = {}) =>
      ask<{
        readonly leases: readonly { readonly leaseUntil: string | null; cancelRequested: boolean; lost: boolean }[]
      }>('heartbeatTasks', { worker, leases: leases.map(refOf), ...more }),
    report: (lease: Lease, more: object) =>
      ask<Failure & { droppedLines: number }>('reportTask', { ...refOf(lease), ...more }),
    complete: (lease: Lease, result: unknown = null) => ask('completeTask', { ...refOf(lease), result }),
    fail: (lease: Lease, error: object) => ask('failTask', { ...refOf(lease), error }),
    release: (lease: Lease) => ask('releaseTask', refOf(lease)),
  }
}

export const refOf = ({ task, fence }: Lease) => ({ taskId: task.id, fence })
