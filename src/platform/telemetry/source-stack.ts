import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Undefined for files that have no map, such as sources. */
const maps = new Map<string, SourceMap | undefined>()

/** A stack whose places are those of the sources, also where the program runs from its bundle. */
export function sourceStack(stack: string): string {
  return stack.replace(/(file:\S+?\.js):(\d+):(\d+)/g, (place, url: string, line: string, column: string) => {
    const found = sourcePlace(url, Number(line), Number(column))
    return found === undefined ? place : `${found.url}:${found.line}:${found.column}`
  })
}

/** Where something in a file of the bundle stands in the sources; lines and columns count from 1. */
export function sourcePlace(
  url: string,
  line: number,
  column: number,
): { readonly url: string; readonly line: number; readonly column: number } | undefined {
  const origin = mapOf(url)?.findOrigin(line, column)
  if (origin === undefined || !('fileName' in origin)) return undefined
  return { url: new URL(origin.fileName, url).href, line: origin.lineNumber, column: origin.columnNumber }
}

/** Not by Node's own option, which makes every error that is thrown expensive. */
function mapOf(url: string): SourceMap | undefined {
  if (!maps.has(url)) maps.set(url, readMap(url))
  return maps.get(url)
}

function readMap(url: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(fileURLToPath(`${url}.map`), 'utf8')) as SourceMapPayload)
  } catch {
    return undefined
  }
}
