import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createYoga } from 'graphql-yoga'
import { Caller } from '#domain/access/caller.ts'
import { grantsOf } from '#domain/access/scope.ts'
import { AccountViews } from '#platform/database/account-view.ts'
import { openDatabase } from '#platform/database/client.ts'
import { listen } from '#platform/http/listener.ts'
import { schema } from '#schema/index.ts'
import { prepareOperation } from '#transport/graphql/operation.ts'
import type { GraphqlServer } from '#transport/graphql/server.ts'

// The same schema, database and pipeline as the server's, behind a minimal HTTP server: every caller is the owner, and
// nothing is counted, measured, sent in headers or looked up.
const database = openDatabase({ url: process.env['DATABASE_URL'] ?? '', poolSize: 10, onError: () => undefined })
const [account] = await database.query<{ id: string }>('SELECT id FROM account')
const accountId = account?.id ?? ''
const origin = { requestId: 'any', address: '127.0.0.1', userAgent: undefined }
const caller = new Caller(
  {
    accountId,
    actor: { kind: 'application', id: accountId, name: 'owner' },
    principalId: accountId,
    role: 'OWNER',
    grants: grantsOf(['*']),
    credential: { kind: 'token', id: accountId },
    expiresAt: undefined,
  },
  origin,
)
const db = new AccountViews(database.prisma).of(accountId)
const tasks = { liveProgress: () => undefined }
const server = createYoga({
  schema,
  context: () => ({ caller, request: origin, db, tasks }) as never,
  logging: false,
  maskedErrors: false,
}) as unknown as GraphqlServer

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (req.method !== 'POST') return void res.end()
  const chunks: Buffer[] = []
  req.on('data', (chunk: Buffer) => chunks.push(chunk))
  await new Promise((resolve) => req.once('end', resolve))
  const operation = await prepareOperation(server, { caller, origin }, JSON.parse(Buffer.concat(chunks).toString()))
  if (!('run' in operation)) throw new Error(operation[0]?.message)
  const text = JSON.stringify(await operation.run())
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

await listen(
  createServer((req, res) => void answer(req, res)),
  '127.0.0.1',
  Number(process.env['PORT']),
)
