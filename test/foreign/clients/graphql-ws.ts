import { createClient } from 'graphql-ws'
import { socketUrl, token } from './connection.ts'
import { work } from './wire.ts'

const client = createClient({ url: socketUrl, connectionParams: { token } })
await work('graphql-ws', (request) => client.iterate(request))
await client.dispose()
