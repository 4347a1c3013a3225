import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from './environment.ts'
import { CommandFailure, exitCodeOf, exitCodes } from './exit-codes.ts'
import { readText } from './input.ts'

/** A text in a file of its own, which only its user may read. */
export interface Draft {
  /** Lets the user's editor change it; the text afterwards. @throws {CommandFailure} when the editor fails */
  edit(): Promise<string>
}

/**
 * Lays a text out to be edited, with `VISUAL`, else `EDITOR`, else vi, and does with it what `work` does. When that fails,
 * the file stays, and the failure says where it is and, by `again`, which command writes it after all.
 */
export async function withDraft(
  { name, text, env, again }: { name: string; text: string; env: Environment; again: (file: string) => string },
  work: (draft: Draft) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'signalbox-edit-'))
  const path = join(directory, name)
  await writeFile(path, text, { mode: 0o600 })
  try {
    await work({ edit: () => edited(env['VISUAL'] || env['EDITOR'] || 'vi', path) })
  } catch (cause) {
    throw new CommandFailure(
      `${(cause as Error).message}\nNothing is lost: what you wrote is in ${path}. To write it after all:\n  ${again(path)}`,
      exitCodeOf(cause) === exitCodes.bug ? exitCodes.failed : exitCodeOf(cause),
      { cause },
    )
  }
  await rm(directory, { recursive: true })
}

async function edited(editor: string, path: string): Promise<string> {
  // The variable is a command with arguments, as the user's shell understands it; the file is not part of its text.
  const child = spawn('sh', ['-c', `${editor} "$1"`, 'sh', path], { stdio: 'inherit' })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code !== 0) throw new CommandFailure(`The editor has failed (${editor}: ${signal ?? code}).`, exitCodes.failed)
  return readText(path)
}
