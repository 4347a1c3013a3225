#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { join, relative } from 'node:path'

// In a place that only root can have made: code that others could exchange must not run as root. Others have theirs in
// the directory for temporary files.
enableCompileCache(process.getuid?.() === 0 ? join(import.meta.dirname, '../node_modules/.cache/signalbox') : undefined)

// Everything is loaded when it is needed: a command that asks a server must not wait for one to be loaded here.
const { run } = await import('#cli/run.ts')

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  invocation: invocation(),
  server: {
    serve: async (options) => process.exit(await (await import('./serve.ts')).serve(options)),
    migrate: async () => (await import('./migrate.ts')).migrateDatabase(),
    rotateSecrets: async () => (await import('./rotate-secrets.ts')).rotateSecrets(),
    repairDocuments: async (request) => (await import('./repair-documents.ts')).repairDocuments(request),
    doctor: async () => (await import('./doctor.ts')).examine(),
  },
})

/** How this program was called, in a form that can be pasted. */
function invocation(): string {
  const [, program = ''] = process.argv
  if (process.env['npm_lifecycle_event'] !== undefined) return 'npm run -s signalbox --'
  return `${process.argv0} ${relative(process.cwd(), program)}`
}
