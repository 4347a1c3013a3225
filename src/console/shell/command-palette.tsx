import { useId, useState } from 'react'
import { useLocation } from 'wouter'
import { CollectionsDocument, TaskTypesDocument } from '#client/browser.ts'
import { useQuery } from '#client/react/index.ts'
import { may } from '#console/lib/scopes.ts'
import { useMay, useSession } from '#console/session/session-context.ts'
import { Dialog } from '#console/ui/dialog.tsx'
import { views } from '#console/views.ts'

interface Place {
  readonly title: string
  readonly kind: string
  readonly href: string
}

const maxShown = 12
const uuid = /^[\da-f]{8}-[\da-f-]{27}$/i

/** Goes anywhere by a few letters: to views, task types, collections, and to a task by its id. */
export function CommandPalette({ onClose }: { readonly onClose: () => void }) {
  const [text, setText] = useState('')
  const [selected, setSelected] = useState(0)
  const [, navigate] = useLocation()
  const id = useId()
  const found = usePlaces(text.trim())
  const at = Math.min(selected, found.length - 1)

  function go(place: Place | undefined) {
    if (place === undefined) return
    onClose()
    navigate(place.href)
  }

  return (
    <Dialog title="Find" onClose={onClose} className="palette">
      <input
        autoFocus
        role="combobox"
        aria-label="Find"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${at}` : undefined}
        placeholder="A view, a task type, a collection, or the id of a task"
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setSelected(0)
        }}
        onKeyDown={(event) => {
          if (event.key === 'ArrowDown') setSelected(Math.min(at + 1, found.length - 1))
          else if (event.key === 'ArrowUp') setSelected(Math.max(at - 1, 0))
          else if (event.key === 'Enter') go(found[at])
          else return
          event.preventDefault()
        }}
      />
      <div role="listbox" id={`${id}-list`} aria-label="Places" className="places">
        {found.map((place, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field, which keeps the focus
          <div
            key={place.href}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            tabIndex={-1}
            onClick={() => go(place)}
            onMouseMove={() => setSelected(index)}
          >
            <span>{place.title}</span>
            <span className="soft small">{place.kind}</span>
          </div>
        ))}
      </div>
      {found.length === 0 && <p className="soft">Nothing is called that.</p>}
    </Dialog>
  )
}

function usePlaces(text: string): readonly Place[] {
  const { session } = useSession()
  const types = useQuery(TaskTypesDocument, {}, { skip: !useMay('tasks:write') })
  const collections = useQuery(CollectionsDocument, { prefix: '', first: 200 }, { skip: !useMay('documents:read') })
  const wanted = text.toLowerCase()
  const all: Place[] = [
    ...(uuid.test(text) ? [{ title: text, kind: 'Task', href: `/tasks/${text}` }] : []),
    ...views
      .filter(({ scopes }) => scopes.every((scope) => may(session.scopes, scope)))
      .map(({ name, title }) => ({ title, kind: 'View', href: `/${name}` })),
    ...(types.data?.taskTypes ?? []).map(({ name }) => ({
      title: `Submit ${name}`,
      kind: 'Task type',
      href: `/submit?type=${encodeURIComponent(name)}`,
    })),
    ...(collections.data?.collections.nodes ?? []).map(({ path }) => ({
      title: path,
      kind: 'Collection',
      href: `/documents?in=${encodeURIComponent(path)}`,
    })),
  ]
  return all.filter(({ title }) => title.toLowerCase().includes(wanted)).slice(0, maxShown)
}
