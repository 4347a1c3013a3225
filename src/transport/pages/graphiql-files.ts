import { parentPort } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import * as bundles from '@graphql-yoga/render-graphiql/graphiql'

// Runs as a thread of its own, which takes the 9 MB of text that the package is with it when it ends.
const { css, editorWorkerService, graphqlWorker, js, jsonWorker } = bundles
const files = { css, editorWorkerService, graphqlWorker, js, jsonWorker }
parentPort?.postMessage(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, gzipSync(text)])))
