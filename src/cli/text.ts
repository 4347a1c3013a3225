import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'

/** Text of others, made harmless for a terminal: no escape sequences, no control characters but tabs made blanks. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll('\t', '    ')
    .replace(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, '')
}

/** As {@link printable}, but line breaks stay. */
export function printableLines(text: string): string {
  return text
    .trimEnd()
    .split(/\r\n|[\n\r]/)
    .map(printable)
    .join('\n')
}

/** How many columns a terminal uses for the text; escape sequences use none. */
export const columnsOf = (text: string): number => stringWidth(text)

const graphemes = new Intl.Segmenter()

/** At most so many columns of a text without escape sequences; a text that is cut ends with an ellipsis. */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  let kept = ''
  let used = 0
  for (const { segment } of graphemes.segment(text)) {
    used += columnsOf(segment)
    if (used > columns - 1) break
    kept += segment
  }
  return columns > 0 ? `${kept}…` : ''
}

/** The text in lines of at most so many columns, broken between words; a longer word has a line of its own. */
export function wrap(text: string, columns: number): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > columns) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line].join('\n')
}

/** The text, padded with spaces to so many columns. */
export function pad(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)))
}

/** A duration as people read it: `0.4 s`, `12.3 s`, `2 min 5 s`, `1 h 2 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3_600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3_600)} h ${Math.floor((whole % 3_600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3_600)} h`
}

/** A size as people read it: `12 B`, `3.4 kB`, `5.0 MB`. */
export function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1_000 ** power).toFixed(1)} ${'kMGT'.charAt(power - 1)}B`
}

/** A moment in the reader's own time, to the second: `2026-11-24 08:06:28`. */
export function moment(iso: string): string {
  const date = new Date(iso)
  const part = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())}`
  return `${day} ${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}`
}
