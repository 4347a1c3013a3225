#!/usr/bin/env node
// The command line, from any directory and by any Node: where this one can't run the program, the one that was installed
// with it takes its place.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const oldestNode = 24

if (Number.parseInt(process.versions.node, 10) >= oldestNode) await runProgram()
else runInstalledNode()

/** From its bundle, which loads faster, or from the sources where there is none that is up to date. */
async function runProgram() {
  await import('./compile-cache.js')
  const { findBundle } = await import('./bundle/find-bundle.js')
  const bundle = findBundle()
  await import(bundle === undefined ? './main.ts' : pathToFileURL(join(bundle, 'main.js')).href)
}

function runInstalledNode() {
  const node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node')
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends the first two to both; the program decides what they mean.
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(
      `Node ${oldestNode} can't be started: ${error.message}. Run npm ci in ${dirname(import.meta.dirname)}.\n`,
    )
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}
