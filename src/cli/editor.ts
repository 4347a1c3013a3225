import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CommandFailure } from './exit-codes.ts'
import type { Environment } from './session.ts'

/** A text in a file of its own, which only its user may read. */
export interface Draft {
  readonly path: string
  /** Lets the user's editor change it; the text afterwards. @throws {CommandFailure} when the editor fails */
  edit(): Promise<string>
  /** Removes it. Whoever doesn't call this keeps what was written. */
  discard(): Promise<void>
}

/** Lays a text out to be edited, with `VISUAL`, else `EDITOR`, else vi. */
export async function openDraft(name: string, text: string, env: Environment): Promise<Draft> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-edit-'))
  const path = join(directory, name)
  await writeFile(path, text, { mode: 0o600 })
  return {
    path,
    async edit() {
      await runEditor(env['VISUAL'] || env['EDITOR'] || 'vi', path)
      return readFile(path, 'utf8')
    },
    discard: () => rm(dirname(path), { recursive: true, force: true }),
  }
}

async function runEditor(editor: string, path: string): Promise<void> {
  // The variable is a command with arguments, as the user's shell understands it; the file is no part of its text.
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new CommandFailure(`The editor "${editor}" failed; what was written is in ${path}.`)
}
