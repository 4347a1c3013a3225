import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Agent, request as send } from 'undici'
import { salesforceCertificate, trustSalesforceCertificate } from './certificate.ts'
import { answerFault, Faults } from './faults.ts'
import { FakeModel, type FakeOrg } from './model.ts'
import { answerOauth, type FakeAnswer, type FakeRequest } from './oauth.ts'
import { answerRestApi } from './rest-api.ts'

/** Salesforce on loopback, over TLS, with a host for each org, written from its public documentation. */
export interface FakeSalesforce {
  readonly model: FakeModel
  readonly faults: Faults
  readonly loginUrl: string
  readonly testUrl: string
  /** Every request that came, in order. */
  readonly requests: FakeRequest[]
  urlOf(org: FakeOrg): string
  /** Goes to the address of a web flow as a person who approves; returns what the callback gets. */
  approve(url: string): Promise<URLSearchParams>
  /** Of a server of ours that talks to it. */
  readonly env: Readonly<Record<string, string>>
  close(): Promise<void>
}

export async function startFakeSalesforce(): Promise<FakeSalesforce> {
  trustSalesforceCertificate()
  const model = new FakeModel()
  const faults = new Faults()
  const requests: FakeRequest[] = []
  const http = createServer(salesforceCertificate, (incoming, response) => {
    void answer(incoming, response).catch((error: unknown) => {
      process.stderr.write(`the fake Salesforce failed: ${String(error)}\n`)
      response.socket?.destroy()
    })
  })

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await requestOf(incoming)
    requests.push(request)
    const fault = faults.take(request.path)
    if (fault !== undefined && fault.kind !== 'hold') return answerFault(fault, response)
    const known = (await answerOauth(model, request)) ?? (await answerRestApi(model, request))
    if (fault !== undefined) await fault.held
    await reply(response, known ?? { status: 404, body: 'not found' })
  }

  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  return {
    model,
    faults,
    requests,
    loginUrl: `https://login.salesforce.localhost:${port}`,
    testUrl: `https://test.salesforce.localhost:${port}`,
    async approve(url) {
      const response = await send(url, { dispatcher: agent })
      await response.body.dump()
      return new URL(String(response.headers['location'])).searchParams
    },
    urlOf: ({ host }) => `https://${host}:${port}`,
    env: { SALESFORCE_HOSTS: '*.salesforce.localhost', EGRESS_ALLOW: '127.0.0.0/8,::1/128' },
    async close() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

/** Names below `localhost` are this machine, also where no resolver knows them. */
const agent = new Agent({
  connect: { lookup: (_host, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]) },
})

async function requestOf(incoming: IncomingMessage): Promise<FakeRequest> {
  const url = new URL(incoming.url ?? '/', `https://${incoming.headers.host}`)
  const bytes = await buffer(incoming)
  return {
    method: incoming.method ?? '',
    host: incoming.headers.host ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers as FakeRequest['headers'],
    body: bytes.toString('utf8'),
    bytes,
  }
}

async function reply(response: ServerResponse, { status, headers = {}, body }: FakeAnswer): Promise<void> {
  const isText = typeof body === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json;charset=UTF-8', ...headers })
  if (isText) response.end(body)
  else if (isStream(body)) await pipeline(Readable.from(body), response).catch(() => undefined)
  else response.end(JSON.stringify(body))
}

function isStream(body: unknown): body is AsyncIterable<string> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
