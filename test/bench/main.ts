import { mkdir, writeFile } from 'node:fs/promises'
import { benchAccess } from './access.ts'
import { benchAudit } from './audit.ts'
import { benchClasses } from './classes.ts'
import { benchDocuments } from './documents.ts'
import { benchEntries } from './entries.ts'
import { benchLive } from './live.ts'
import { benchRecovery } from './recovery.ts'
import { benchSubmissions, benchTasks } from './tasks.ts'
import { benchWebhooks } from './webhooks.ts'

const benches: Record<string, () => Promise<object>> = {
  access: benchAccess,
  audit: benchAudit,
  classes: benchClasses,
  documents: benchDocuments,
  entries: benchEntries,
  live: benchLive,
  recovery: benchRecovery,
  tasks: benchTasks,
  submissions: benchSubmissions,
  webhooks: benchWebhooks,
}

const name = process.argv[2] ?? ''
const bench = benches[name]
if (bench === undefined) {
  console.error(`Which? npm run bench -- ${Object.keys(benches).join('|')}`)
  process.exit(2)
}
const results = await bench()
const directory = new URL('./results/', import.meta.url)
await mkdir(directory, { recursive: true })
await writeFile(new URL(`${name}.json`, directory), `${JSON.stringify(results, null, 2)}\n`)
