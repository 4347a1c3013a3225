/** Subscribers in a process of their own: opens one WebSocket for each, and measures how old what they receive is. */
import { WebSocket } from 'ws'

export type ClientCommand =
  | {
      readonly kind: 'open'
      readonly url: string
      readonly token: string
      readonly query: string
      readonly ids: string[]
    }
  | { readonly kind: 'sample' }

/** Ages in milliseconds: of updates since their `at`, of log lines since the handler said the time that they consist of. */
export interface Sample {
  readonly ages: number[]
  readonly said: number[]
}

const parallel = 100
let sample: Sample = { ages: [], said: [] }

process.on('message', (command: ClientCommand) => {
  if (command.kind === 'open') void open(command).then(() => process.send?.({ kind: 'opened' }))
  else {
    process.send?.({ kind: 'sample', sample })
    sample = { ages: [], said: [] }
  }
})

async function open({ url, token, query, ids }: Extract<ClientCommand, { kind: 'open' }>): Promise<void> {
  const waiting = [...ids]
  const openNext = async () => {
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) await subscribe(url, token, query, id)
  }
  await Promise.all(Array.from({ length: parallel }, openNext))
}

/** Resolves with the first update, which is the current state. */
function subscribe(url: string, token: string, query: string, id: string): Promise<void> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })))
  socket.on('error', (error) => {
    throw error
  })
  return new Promise((resolve) => {
    socket.on('message', (data) => {
      const now = performance.timeOrigin + performance.now()
      const { type, payload } = JSON.parse(String(data))
      if (type === 'connection_ack')
        return socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query, variables: { id } } }))
      if (type === 'ping') return socket.send('{"type":"pong"}')
      if (type !== 'next') throw new Error(String(data))
      const update = payload.data.taskUpdates
      if (update.kind === 'STATE') return resolve()
      note(update, now)
    })
  })
}

function note(update: { at: string; log?: { message: string } | null }, now: number): void {
  sample.ages.push(now - Date.parse(update.at))
  if (update.log != null) sample.said.push(now - Number(update.log.message))
}
