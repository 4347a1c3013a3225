import { createClient } from 'graphql-sse'
import { graphqlUrl, headers } from './connection.ts'
import { work } from './wire.ts'

const client = createClient({ url: graphqlUrl, headers })
await work('graphql-sse', (request) => client.iterate(request))
client.dispose()
