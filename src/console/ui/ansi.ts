/** A piece of a line, with the classes of how it looks. */
export interface Piece {
  readonly text: string
  readonly className: string | undefined
}

/** Colors and weights; every other sequence of a terminal moves something that a page does not have. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const sequence = /\u001b\[([\d;]*)m|\u001b(?:\[[\d;?]*[A-Za-z]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g

/** A line of a log as pieces of text; what a terminal would do beside coloring is left out. */
export function piecesOf(line: string): readonly Piece[] {
  if (!line.includes('\u001b')) return [{ text: line.replace(controls, ''), className: undefined }]
  const pieces: Piece[] = []
  let classes = new Set<string>()
  let start = 0
  const add = (end: number) => {
    const text = line.slice(start, end).replace(controls, '')
    if (text !== '') pieces.push({ text, className: [...classes].join(' ') || undefined })
  }
  for (const match of line.matchAll(sequence)) {
    add(match.index)
    start = match.index + match[0].length
    if (match[1] !== undefined) classes = styled(classes, match[1])
  }
  add(line.length)
  return pieces
}

/** The text alone, for searching and copying. */
export function plainText(line: string): string {
  return piecesOf(line)
    .map(({ text }) => text)
    .join('')
}

function styled(before: Set<string>, codes: string): Set<string> {
  const classes = new Set(before)
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) classes.clear()
    else if (code === 1) classes.add('ansi-bold')
    else if (code === 2) classes.add('ansi-dim')
    else if (code === 22) for (const name of ['ansi-bold', 'ansi-dim']) classes.delete(name)
    else if (code === 39 || isColor(code)) {
      for (const name of classes) if (/^ansi-\d/.test(name)) classes.delete(name)
      if (code !== 39) classes.add(`ansi-${code}`)
    }
  }
  return classes
}

function isColor(code: number): boolean {
  return (code >= 30 && code <= 37) || (code >= 90 && code <= 97)
}
