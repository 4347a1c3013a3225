#!/usr/bin/env node
import './compile-cache.js'
import { basename, relative } from 'node:path'

// npm changes to the directory of this package, but users name files and programs from where they are.
const serverDirectory = process.cwd()
if (process.env['npm_lifecycle_event'] === 'signalbox') process.chdir(process.env['INIT_CWD'] ?? '.')

// Everything is loaded when it is needed: a command that asks a server must not wait for one to be loaded here.
const { run } = await import('#cli/run.ts')
const { createOperatorCommands } = await import('./operator-commands.ts')

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  invocation: invocation(),
  server: {
    serve: async (options) => {
      enterServerDirectory()
      process.exit(await (await import('./serve.ts')).serve(options))
    },
    ...createOperatorCommands(enterServerDirectory),
  },
})

/** Where relative paths of the server's settings begin. */
function enterServerDirectory(): void {
  process.chdir(serverDirectory)
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
