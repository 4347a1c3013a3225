import { type Command, InvalidArgumentError } from 'commander'
import type { FenceInput } from '#client/index.ts'
import { CommandFailure } from './exit-codes.ts'
import { parseJson, readJsonFile } from './input.ts'
import { readDuration, readFence } from './options.ts'

export interface CollectionOption {
  readonly collection: string
}

/** Gives a command the option that says in which collection a document is. */
export function inCollection(command: Command): Command {
  return command.option('-c, --collection <path>', 'the collection', 'default')
}

export interface WriteOptions extends CollectionOption {
  readonly ifVersion?: number
  readonly ttl?: number
  readonly fence?: FenceInput
}

/** As {@link inCollection}, with the version that is to be changed, and the lock that has to be held. */
export function writing(command: Command): Command {
  return inCollection(command)
    .option('--if-version <version>', 'only when this is its version; 0: only when it is not there', readVersion)
    .option('--fence <lock=number>', 'only while that lock is held with this fence', readFence)
}

export function withTtl(command: Command): Command {
  return command.option('--ttl <duration>', 'it is deleted by itself after so long: 30s, 10m, 2h, 1d', readDuration)
}

/** Reads a version, or 0. */
export function readVersion(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be the number of a version.')
  return Number(text)
}

/** A value given as an argument, or in a file (`-`: standard input). */
export async function readValue(text: string | undefined, file: string | undefined): Promise<unknown> {
  if ((text === undefined) === (file === undefined)) throw new CommandFailure('Give either a value or --file.')
  return file === undefined ? parseJson(text ?? '', 'The value') : readJsonFile(file)
}
