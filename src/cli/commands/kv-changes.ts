import type { Command } from 'commander'
import { CommandFailure } from '#cli/exit-codes.ts'
import { parseValue, readJsonFile } from '#cli/input.ts'
import { readDuration, readFence, readInteger, readVersion } from '#cli/options.ts'
import { examples, type Session } from '#cli/session.ts'
import { printable } from '#cli/text.ts'
import {
  DeleteEntryDocument,
  type FenceInput,
  IncrementEntryDocument,
  payloadOf,
  SetEntryDocument,
} from '#client/index.ts'

interface WriteOptions {
  readonly ifVersion?: number
  readonly fence?: FenceInput
}

interface SetOptions extends WriteOptions {
  readonly file?: string
  readonly text?: boolean
  readonly new?: boolean
  readonly ttl?: number
}

/** The options of all that change an entry. */
function writing(command: Command): Command {
  return command
    .option('--if-version <version>', 'only if the entry has this version', readVersion)
    .option('--fence <lock=number>', 'only while that lock is held with this fence', readFence)
}

export function addKvSetCommand(parent: Command, session: Session): void {
  const command = writing(parent.command('set <key> [value]'))
    .summary('keep a value under a key')
    .description(
      'Sets the value of an entry. Numbers, true, false, null, lists and objects are taken as JSON, everything else as a text.',
    )
    .option('--file <path>', 'the value is the JSON in this file (-: standard input)')
    .option('--text', 'take the value as a text, whatever it looks like')
    .option('--new', 'only if there is no such entry')
    .option('--ttl <duration>', 'for how long it is kept: 30s, 10m, 2h, 1d', readDuration)
    .addHelpText('after', () =>
      examples(
        `${session.invocation} kv set flags/checkout '{"enabled": true}'`,
        `${session.invocation} kv set seen/42 true --new --ttl 1h`,
      ),
    )
  session.api(command, async ({ client, output, json }, options: SetOptions, key: string, value?: string) => {
    const { ttl, fence, new: isNew } = options
    const ifVersion = isNew ? 0 : options.ifVersion
    const input = { key, value: await chosenValue(options, value), ttlMs: ttl, ifVersion, fence }
    const { entry } = payloadOf((await client.request(SetEntryDocument, { input })).setEntry)
    if (json) return output.document(entry)
    output.remark(`${printable(key)} is now at version ${entry.version}.`)
  })
}

async function chosenValue({ file, text }: SetOptions, value: string | undefined): Promise<unknown> {
  if ((file === undefined) === (value === undefined)) throw new CommandFailure('Give either a value or --file.')
  if (file !== undefined) return readJsonFile(file)
  return text ? value : parseValue(value ?? '')
}

export function addKvDeleteCommand(parent: Command, session: Session): void {
  const command = writing(parent.command('delete <key>'))
    .alias('rm')
    .summary('delete an entry')
    .description('Deletes an entry.')
    .addHelpText('after', () => examples(`${session.invocation} kv delete flags/checkout --if-version 3`))
  session.api(command, async ({ client, output, json }, { ifVersion, fence }: WriteOptions, key: string) => {
    const input = { key, ifVersion, fence }
    const gone = payloadOf((await client.request(DeleteEntryDocument, { input })).deleteEntry)
    if (json) return output.document(gone)
    output.remark(`${printable(key)} was deleted.`)
  })
}

interface IncrementOptions extends WriteOptions {
  readonly by?: number
  readonly min?: number
  readonly max?: number
  readonly initial?: number
  readonly ttl?: number
}

export function addKvIncrementCommand(parent: Command, session: Session): void {
  const command = writing(parent.command('increment <key>'))
    .alias('incr')
    .summary('count up or down')
    .description('Adds to a whole number atomically, and prints the new value.')
    .option('--by <number>', 'how much; below 0 to take away (default: 1)', readInteger)
    .option('--min <number>', 'refuse to come below this', readInteger)
    .option('--max <number>', 'refuse to come above this', readInteger)
    .option('--initial <number>', 'what to add to when there is no such entry (default: 0)', readInteger)
    .option('--ttl <duration>', 'for how long it is kept, when this makes it', readDuration)
    .addHelpText('after', () => examples(`BUILD=$(${session.invocation} kv increment builds/main)`))
  session.api(command, async ({ client, output, json }, options: IncrementOptions, key: string) => {
    const { ttl: ttlMs, by, min, max, initial, ifVersion, fence } = options
    const input = { key, by, min, max, initial, ttlMs, ifVersion, fence }
    const { entry } = payloadOf((await client.request(IncrementEntryDocument, { input })).incrementEntry)
    if (json) return output.document(entry)
    output.line(String(entry.value))
  })
}
