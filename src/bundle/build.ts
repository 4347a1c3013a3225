import { buildBundle } from './build-bundle.ts'
import { buildClient } from './build-client.ts'

await buildBundle()
await buildClient()
