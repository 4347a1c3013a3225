import { buildBundle } from './build-bundle.ts'
import { buildClient } from './build-client.ts'
import { buildConsole } from './build-console.ts'

await buildBundle()
await buildClient()
await buildConsole()
