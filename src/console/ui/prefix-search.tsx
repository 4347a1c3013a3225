import { useState } from 'react'
import { useParams } from '#console/lib/search-params.ts'

/** Narrows a list to names that begin with a text, which stands in the address. */
export function PrefixSearch({ label }: { readonly label: string }) {
  const params = useParams()
  const [text, setText] = useState(params.get('prefix'))
  return (
    <search>
      <form
        className="filters"
        onSubmit={(event) => {
          event.preventDefault()
          params.set({ prefix: text })
        }}
      >
        <input
          className="grow"
          type="search"
          aria-label={label}
          placeholder={label}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <button type="submit" className="button">
          Apply
        </button>
      </form>
    </search>
  )
}
