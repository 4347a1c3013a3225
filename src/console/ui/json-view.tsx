import { type ReactNode, useState } from 'react'
import { Code, Copy } from './copy.tsx'

/** Members of an object or array that are shown at once. */
const step = 100
const openDepth = 2

/** A JSON value as a tree whose branches are rendered when they are opened, or as its text. */
export function JsonView({ value, label }: { readonly value: unknown; readonly label: string }) {
  const [isText, setText] = useState(false)
  const text = JSON.stringify(value, null, 2) ?? 'null'
  const isBranch = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!isBranch) return <Code text={text} label={label} />
  return (
    <div className="stack">
      <div className="row">
        <button type="button" className="button small" onClick={() => setText(!isText)}>
          {isText ? 'As a tree' : 'As text'}
        </button>
        <Copy text={text} />
      </div>
      {isText ? (
        <Code text={text} label={label} />
      ) : (
        <div className="json">
          <Members value={value} depth={0} />
        </div>
      )}
    </div>
  )
}

function Members({ value, depth }: { readonly value: object; readonly depth: number }) {
  const [shown, setShown] = useState(step)
  const members = Object.entries(value)
  return (
    <ul>
      {members.slice(0, shown).map(([name, member]) => (
        <li key={name}>
          <Member name={name} value={member} depth={depth} />
        </li>
      ))}
      {members.length > shown && (
        <li>
          <button type="button" className="link" onClick={() => setShown(shown + step)}>
            {members.length - shown} more
          </button>
        </li>
      )}
    </ul>
  )
}

function Member({ name, value, depth }: { readonly name: string; readonly value: unknown; readonly depth: number }) {
  const [isOpen, setOpen] = useState(depth < openDepth)
  if (typeof value !== 'object' || value === null || Object.keys(value).length === 0)
    return (
      <>
        <span className="name">{name}</span>: {leaf(value)}
      </>
    )
  const count = Object.keys(value).length
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span className="name">{name}</span>{' '}
        <span className="soft">{Array.isArray(value) ? `[${count}]` : `{${count}}`}</span>
      </summary>
      {isOpen && <Members value={value} depth={depth + 1} />}
    </details>
  )
}

function leaf(value: unknown): ReactNode {
  return <span className={typeof value === 'string' ? 'string' : 'other'}>{JSON.stringify(value) ?? 'null'}</span>
}
