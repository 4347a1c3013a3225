import { InvalidArgumentError } from 'commander'
import { durationMs } from './input.ts'

/** `a,b` as a list; given again, it adds to it. */
export function readList(text: string, previous: readonly string[] = []): string[] {
  return [
    ...previous,
    ...text
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean),
  ]
}

/** Collects an option that may be given several times, as it is written. */
export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text]
}

/** Reads names of a fixed set, in upper or lower case, separated by commas. */
export function choices<Name extends string>(names: readonly Name[]) {
  return (text: string, previous: readonly Name[] = []): Name[] => [
    ...previous,
    ...readList(text).map((item) => choose(names, item)),
  ]
}

/** Reads one name of a fixed set, in upper or lower case. */
export function choice<Name extends string>(names: readonly Name[]) {
  return (text: string): Name => choose(names, text)
}

function choose<Name extends string>(names: readonly Name[], text: string): Name {
  const name = names.find((candidate) => candidate === text.toUpperCase())
  if (name === undefined) throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`)
  return name
}

/** Reads a whole number above 0. */
export function readCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}

export function readWhole(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** Reads a duration such as `30s`, `10m`, `2h`, `1d`, into milliseconds. */
export function readDuration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 30s, 10m, 2h or 1d.')
  return ms
}

/** Reads whole days, such as `30d` or `30`. */
export function readDays(text: string): number {
  const [, days] = /^([1-9]\d{0,4})d?$/.exec(text) ?? []
  if (days === undefined) throw new InvalidArgumentError('It must be whole days, such as 30d.')
  return Number(days)
}

/** Reads a whole number, also one below 0. */
export function readInteger(text: string): number {
  if (!/^-?\d{1,16}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

/** Reads a version; 0 stands for what is not there. */
export function readVersion(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError('It must be a version, such as 3; 0: there is none.')
  return Number(text)
}

/** Reads a lock with its fence, such as `deploy/prod=7`. */
export function readFence(text: string): { lock: string; fence: number } {
  const [, lock, fence] = /^(.+)=(\d{1,16})$/s.exec(text) ?? []
  if (lock === undefined) throw new InvalidArgumentError('It must be a lock and its fence, such as deploy/prod=7.')
  return { lock, fence: Number(fence) }
}
