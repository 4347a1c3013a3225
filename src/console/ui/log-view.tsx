import { useVirtualizer } from '@tanstack/react-virtual'
import { Fragment, useEffect, useRef, useState } from 'react'
import type { Log, LogLine } from '#client/react/index.ts'
import { piecesOf, plainText } from './ansi.ts'
import { Button } from './button.tsx'

/** How near to the end, in pixels, counts as reading the end. */
const nearPx = 24
const lineHeightPx = 20

/** A log that scrolls with its end while that is read, and stays where it is otherwise. */
export function LogView({ log, name }: { readonly log: Log | undefined; readonly name: string }) {
  const [search, setSearch] = useState('')
  const lines = log?.lines ?? []
  const wanted = search.toLowerCase()
  const found = wanted === '' ? lines : lines.filter(({ message }) => plainText(message).toLowerCase().includes(wanted))
  const total = (log?.dropped ?? 0) + lines.length
  const shown = wanted === '' ? `${total} lines` : `${found.length} of ${lines.length} lines`
  return (
    <section className="card log" aria-label="Log">
      <header>
        <h2>Log</h2>
        <div className="filters">
          <input
            type="search"
            aria-label="Find in log"
            placeholder="Find in log"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
          <span className="soft small" role="status">
            {shown}
            {log !== undefined && log.dropped > 0 && `, the last ${lines.length} are here`}
          </span>
          <Button small onClick={() => download(lines, name)} disabled={lines.length === 0}>
            Download
          </Button>
        </div>
      </header>
      {found.length === 0 ? (
        <p className="empty">{emptyText(log, wanted)}</p>
      ) : (
        <Lines lines={found} wanted={wanted} first={wanted === '' ? (log?.dropped ?? 0) : 0} />
      )}
    </section>
  )
}

function emptyText(log: Log | undefined, wanted: string): string {
  if (wanted !== '') return 'No line has this text.'
  return log?.isComplete ? 'Nothing was written yet.' : 'Loading…'
}

interface LinesProps {
  readonly lines: readonly LogLine[]
  readonly wanted: string
  /** Lines before the first one. */
  readonly first: number
}

function Lines({ lines, wanted, first }: LinesProps) {
  const box = useRef<HTMLDivElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const seen = useRef(0)
  const count = lines.length
  const rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => lineHeightPx,
    overscan: 20,
    // A line keeps its height when those before it are dropped.
    getItemKey: (index) => first + index,
  })
  useEffect(() => {
    if (!isAtEnd) return
    seen.current = first + count
    if (count > 0) rows.scrollToIndex(count - 1, { align: 'end' })
  }, [rows, count, first, isAtEnd])
  const fresh = first + count - seen.current
  return (
    <div className="log-frame">
      <div
        ref={box}
        className="log-lines"
        role="log"
        aria-label="Lines"
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setAtEnd(scrollHeight - scrollTop - clientHeight < nearPx)
        }
      >
        <div style={{ height: rows.getTotalSize(), position: 'relative' }}>
          {rows.getVirtualItems().map(({ index, start, key }) => {
            const line = lines[index]
            if (line === undefined) return null
            return (
              <div
                key={key}
                ref={rows.measureElement}
                data-index={index}
                className="log-line"
                style={{ transform: `translateY(${start}px)` }}
              >
                <span className="at">{line.at.slice(11, 23)}</span>
                <span className="text">
                  <Text message={line.message} wanted={wanted} />
                </span>
              </div>
            )
          })}
        </div>
      </div>
      {!isAtEnd && (
        <div className="log-jump">
          <Button small primary onClick={() => setAtEnd(true)}>
            {fresh > 0 ? `${fresh} new` : 'To the end'}
          </Button>
        </div>
      )}
    </div>
  )
}

function Text({ message, wanted }: { readonly message: string; readonly wanted: string }) {
  if (wanted !== '') return <Marked text={plainText(message)} wanted={wanted} />
  return piecesOf(message).map(({ text, className }, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line never move
    <Fragment key={index}>{className === undefined ? text : <span className={className}>{text}</span>}</Fragment>
  ))
}

function Marked({ text, wanted }: { readonly text: string; readonly wanted: string }) {
  const at = text.toLowerCase().indexOf(wanted)
  if (at === -1) return text
  return (
    <>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + wanted.length)}</mark>
      {text.slice(at + wanted.length)}
    </>
  )
}

function download(lines: readonly LogLine[], name: string): void {
  const text = lines.map(({ at, attempt, message }) => `${at} [${attempt}] ${message}\n`).join('')
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${name}.log`
  link.click()
  URL.revokeObjectURL(url)
}
