#!/usr/bin/env node
import './compile-cache.js'
import { basename, relative } from 'node:path'

// npm changes to the directory of this package, but users name files and programs from where they are.
const serverDirectory = process.cwd()
if (process.env['npm_lifecycle_event'] === 'signalbox') process.chdir(process.env['INIT_CWD'] ?? '.')

// Everything is loaded when it is needed: a command that asks a server must not wait for one to be loaded here.
const { run } = await import('#cli/run.ts')

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  invocation: invocation(),
  server: {
    serve: inServerDirectory(async (options) => process.exit(await (await import('./serve.ts')).serve(options))),
    migrate: inServerDirectory(async () => (await import('./migrate.ts')).migrateDatabase()),
    rotateSecrets: inServerDirectory(async () => (await import('./rotate-secrets.ts')).rotateSecrets()),
    repairDocuments: inServerDirectory(async (request) =>
      (await import('./repair-documents.ts')).repairDocuments(request),
    ),
    resetOwnerToken: inServerDirectory(async (request) =>
      (await import('./reset-owner-token.ts')).resetOwnerToken(request),
    ),
    accounts: {
      create: inServerDirectory(async (account) => (await import('./accounts.ts')).createAccount(account)),
      list: inServerDirectory(async () => (await import('./accounts.ts')).listAccounts()),
      suspend: inServerDirectory(async (request) => (await import('./accounts.ts')).suspendAccount(request)),
      delete: inServerDirectory(async (request) => (await import('./accounts.ts')).deleteAccount(request)),
      issueToken: inServerDirectory(async (days) => (await import('./accounts.ts')).createInstallationToken(days)),
      resume: inServerDirectory(async (account) => (await import('./accounts.ts')).resumeAccount(account)),
    },
    doctor: inServerDirectory(async (options) => (await import('./doctor.ts')).examine(options)),
  },
})

/** The same, where relative paths of the server's settings begin. */
function inServerDirectory<Args extends readonly unknown[], Result>(call: (...args: Args) => Promise<Result>) {
  return (...args: Args): Promise<Result> => {
    process.chdir(serverDirectory)
    return call(...args)
  }
}

/** How this program was called, in a form that can be pasted. */
function invocation(): string {
  const [, program = ''] = process.argv
  if (basename(program) === 'signalbox') return 'signalbox'
  if (process.env['npm_lifecycle_event'] !== undefined) return 'npm run -s signalbox --'
  const near = relative(process.cwd(), program)
  // A path from the root, or out of the directory, is better written whole.
  const file = near.startsWith('..') || process.cwd() === '/' ? program : near
  return basename(program) === 'signalbox.js' ? file : `${process.argv0} ${file}`
}
