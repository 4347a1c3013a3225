import { readFile } from 'node:fs/promises'
import { buffer as readAll } from 'node:stream/consumers'
import { inexactNumber } from '#lib/exact-json.ts'
import { isNestedBeyond, maxJsonDepth, tooDeep } from '#lib/json-depth.ts'
import { faultPath } from '#lib/json-rule.ts'
import { parseMoment } from '#lib/moment.ts'
import { decodeUtf8, notUtf8 } from '#lib/utf8.ts'
import { CommandFailure } from './exit-codes.ts'

export interface InputSource {
  readonly input?: string | undefined
  readonly inputFile?: string | undefined
  readonly set?: readonly string[] | undefined
}

/** A task's input out of `--input`, `--input-file` (`-`: standard input) and `--set`, which goes on top of them. */
export async function readInput({ input, inputFile, set }: InputSource): Promise<unknown> {
  if (input !== undefined && inputFile !== undefined)
    throw new CommandFailure('Give either --input or --input-file, not both.')
  const base = await readBase(input, inputFile)
  if (set === undefined || set.length === 0) return base
  const target = base ?? {}
  if (!isObject(target)) throw new CommandFailure('--set needs an input that is a JSON object.')
  return set.reduce<Record<string, unknown>>((whole, assignment) => assign(whole, assignment), target)
}

async function readBase(input: string | undefined, inputFile: string | undefined): Promise<unknown> {
  if (input !== undefined) return parseJson(input, '--input')
  return inputFile === undefined ? undefined : readJsonFile(inputFile)
}

/** JSON out of a file; `-`: standard input. @throws {CommandFailure} */
export async function readJsonFile(file: string): Promise<unknown> {
  if (file === '-') return parseJson(await readStandardInput(), 'The standard input')
  return parseJson(await readText(file), `The file ${file}`)
}

/** All of the standard input. @throws {CommandFailure} when it is not UTF-8 */
export async function readStandardInput(): Promise<string> {
  return decoded(await readAll(process.stdin), 'The standard input')
}

/** @throws {CommandFailure} when it can't be read, or is not UTF-8 */
export async function readText(path: string): Promise<string> {
  return decoded(await readBytes(path), `The file ${path}`)
}

function decoded(bytes: Buffer, what: string): string {
  const text = decodeUtf8(bytes)
  if (text === undefined) throw new CommandFailure(`${what} ${notUtf8}.`)
  return text
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CommandFailure(`The file ${path} can't be read: ${(cause as Error).message}.`, undefined, { cause })
  }
}

/** @throws {CommandFailure} for what is not JSON, is nested too deeply, or holds a number that would be sent as another. */
export function parseJson(text: string, what: string): unknown {
  const value = parseText(text, what)
  if (isNestedBeyond(value)) throw new CommandFailure(`${what} ${tooDeep()}.`)
  const fault = inexactNumber(value)
  if (fault !== undefined) throw new CommandFailure(`${faultPath(what, fault)} ${fault.message}.`)
  return value
}

function parseText(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CommandFailure(`${what} is not JSON: ${(cause as Error).message}.`, undefined, { cause })
  }
}

/** Sets `a.b=value` in an object; a value in its way that is not an object is replaced. */
function assign(whole: Record<string, unknown>, assignment: string): Record<string, unknown> {
  const [path, text] = splitAssignment(assignment, '--set')
  const put = (object: Record<string, unknown>, [key = '', ...rest]: readonly string[]): Record<string, unknown> => {
    const inner = Object.hasOwn(object, key) ? object[key] : undefined
    // A computed key makes an own property also of `__proto__`.
    return { ...object, [key]: rest.length === 0 ? parseValue(text) : put(isObject(inner) ? inner : {}, rest) }
  }
  const names = path.split('.')
  if (names.length > maxJsonDepth) throw new CommandFailure(`A path in --set ${tooDeep()}.`)
  return put(whole, names)
}

/** Numbers, true, false, null, lists and objects are taken as such; everything else, `1.0` and `007` too, is a text. */
export function parseValue(text: string): unknown {
  if (!/^(true|false|null|[-\d[{"].*)$/s.test(text)) return text
  try {
    const value: unknown = JSON.parse(text)
    if (isNestedBeyond(value)) throw new CommandFailure(`The value ${tooDeep()}.`)
    if (typeof value === 'number') return String(value) === text ? value : text
    const fault = inexactNumber(value)
    if (fault !== undefined) throw new CommandFailure(`${faultPath('The value', fault)} ${fault.message}.`)
    return value
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

/** `k=v` texts as an object; undefined when there are none. */
export function readLabels(texts: readonly string[] | undefined): Record<string, string> | undefined {
  return texts && Object.fromEntries(texts.map((text) => splitAssignment(text, '--label')))
}

function splitAssignment(text: string, option: string): readonly [name: string, value: string] {
  const at = text.indexOf('=')
  if (at < 1) throw new CommandFailure(`${option} takes name=value, not "${text}".`)
  return [text.slice(0, at), text.slice(at + 1)]
}

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration such as `30s`, `10m`, `2h`, `1d`, in milliseconds; undefined for what is none. */
export function durationMs(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  return amount === undefined ? undefined : Number(amount) * (unitMs[unit] ?? 0)
}

/** A moment as ISO 8601, or as so long from now: `30s`, `10m`, `2h`, `1d`. */
export function readMoment(text: string, now: number = Date.now()): string {
  const fromNowMs = durationMs(text.replace(/^\+/, ''))
  if (fromNowMs !== undefined) return new Date(now + fromNowMs).toISOString()
  const date = parseMoment(text)
  if (date === undefined)
    throw new CommandFailure(
      `"${text}" is not a moment: give one such as 2026-11-24T18:00:00Z, or 30s, 10m, 2h, 1d from now.`,
    )
  return date.toISOString()
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
