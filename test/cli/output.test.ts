import { describe, expect, it } from 'vitest'
import { LiveLine } from '#cli/live-line.ts'
import { Output } from '#cli/output.ts'
import { columnsOf, duration, printable, shorten, size } from '#cli/text.ts'

function screen(columns: number) {
  const written: string[] = []
  const stream = { isTTY: true, columns, write: (text: string) => written.push(text) > 0 }
  return { stream, written, text: () => written.join('') }
}

function outputOn(stream: ReturnType<typeof screen>['stream'], env = {}): Output {
  return new Output({ stdout: stream, stderr: stream, env })
}

describe('text of others', () => {
  it('loses escape sequences, control characters and direction marks', () => {
    expect(printable('\x1b[31mred\x1b[0m\x1b]0;title\x07 \x9b2Jx\ry\u202Ez')).toBe('red xyz')
  })

  it('is cut by columns, not by characters', () => {
    expect(columnsOf('日本e\u0301')).toBe(5)
    expect(shorten('日本語', 5)).toBe('日本…')
    expect(shorten('short', 5)).toBe('short')
    expect(columnsOf('👩‍👩‍👧‍👦 🇩🇪 1️⃣')).toBe(8)
    expect(shorten('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 5)).toBe('👩‍👩‍👧‍👦👩‍👩‍👧‍👦…')
  })
})

it.each([
  [0, '0.0 s'],
  [12_340, '12.3 s'],
  [59_970, '1 min 0 s'],
  [3_723_000, '1 h 2 min'],
  [273_600_000, '3 d 4 h'],
])('%i ms are said as a person does', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

it('a size is said as a person does', () => {
  expect([12, 3_400, 5_000_000].map(size)).toEqual(['12 B', '3.4 kB', '5.0 MB'])
})

describe('a table', () => {
  const columns = [
    { title: 'ID', text: (row: { id: string; name: string }) => row.id },
    { title: 'NAME', text: (row: { id: string; name: string }) => row.name, flexible: true },
    { title: 'KIND', text: () => 'probe', optional: true },
    { title: 'NOTE', text: () => '' },
  ]

  it('is as wide as it needs, without columns that hold nothing', () => {
    const { stream, text } = screen(80)
    outputOn(stream, { NO_COLOR: '1' }).table([{ id: 'a-1', name: 'first' }], columns)
    expect(text()).toBe('ID   NAME   KIND\na-1  first  probe\n')
  })

  it('fits into a narrow terminal', () => {
    const { stream, text } = screen(20)
    outputOn(stream, { NO_COLOR: '1' }).table([{ id: 'a-1', name: 'a name that is far too long' }], columns)
    expect(text()).toBe('ID   NAME\na-1  a name that is…\nLeft out for lack of space: KIND. --json shows everything.\n')
  })
})

describe('a table that is too wide', () => {
  const id = '01a20d90-b492-72f2-996f-cefcef8c3f2f'
  const fixed = (title: string, width: number) => ({ title, text: () => 'x'.repeat(width) })

  it('leaves columns out, and says which', () => {
    const { stream, text } = screen(80)
    const remarks = screen(80)
    const output = new Output({ stdout: stream, stderr: remarks.stream, env: { NO_COLOR: '1' } })
    const late = { title: 'LATE', text: () => 'much text '.repeat(9), flexible: true }
    output.table([id], [fixed('ID', 36), fixed('A', 20), fixed('B', 20), { ...fixed('C', 3), optional: true }, late])
    for (const line of text().split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(80)
    expect(text()).toMatch(/^ID +A +LATE\n/)
    expect(remarks.text()).toBe('Left out for lack of space: B, C. --json shows everything.\n')
  })

  it('has as many lines for a row as its texts have', () => {
    const { stream, text } = screen(80)
    const columns = [fixed('ID', 2), { title: 'ERROR', text: () => 'first\nsecond' }]
    outputOn(stream, { NO_COLOR: '1' }).table([id], columns)
    expect(text()).toBe('ID  ERROR\nxx  first\n    second\n')
  })
})

describe('a JSON value on a terminal', () => {
  it('stands on one line where there is room', () => {
    const { stream } = screen(40)
    const value = {
      total: 2,
      items: [
        { name: 'a', lines: 1 },
        { name: 'b', lines: 2 },
      ],
    }
    expect(outputOn(stream, { NO_COLOR: '1' }).value(value)).toBe(
      '{\n  "total": 2,\n  "items": [\n    { "name": "a", "lines": 1 },\n    { "name": "b", "lines": 2 }\n  ]\n}',
    )
  })

  it('is coloured only for who wants colours', () => {
    const { stream } = screen(40)
    expect(outputOn(stream).value({ a: 1 })).toContain('\x1b[')
    expect(outputOn(stream, { NO_COLOR: '1' }).value({ a: 1 })).toBe('{ "a": 1 }')
    expect(outputOn(stream, { TERM: 'dumb' }).value({ a: 1 })).toBe('{\n  "a": 1\n}')
  })
})

describe('a live line', () => {
  it('is drawn over itself, with lines above it', () => {
    const { stream, written } = screen(40)
    const line = new LiveLine(stream)
    line.draw('one')
    line.draw('two')
    line.print('above')
    line.clear()
    expect(written).toEqual(['one', '\r\x1b[Jtwo', '\r\x1b[Jabove\ntwo', '\r\x1b[J'])
  })

  it('goes up to its beginning when the terminal has wrapped it', () => {
    const { stream, written } = screen(40)
    const line = new LiveLine(stream)
    line.draw('x'.repeat(39))
    stream.columns = 20
    line.draw('y')
    expect(written.at(-1)).toBe('\r\x1b[1A\x1b[Jy')
  })
})
