import { useCallback } from 'react'
import { useLocation, useSearch } from 'wouter'

/** The state of a view that lives in its address, so that it survives a reload and can be sent to others. */
export function useParams() {
  const search = useSearch()
  const [path, navigate] = useLocation()
  const params = new URLSearchParams(search)
  const set = useCallback(
    (changes: Readonly<Record<string, string | readonly string[] | undefined>>) => {
      const next = new URLSearchParams(search)
      for (const [name, value] of Object.entries(changes)) {
        next.delete(name)
        for (const one of [value ?? []].flat()) if (one !== '') next.append(name, one)
      }
      const text = next.toString()
      navigate(text === '' ? path : `${path}?${text}`, { replace: true })
    },
    [search, path, navigate],
  )
  return {
    get: (name: string) => params.get(name) ?? '',
    all: (name: string) => params.getAll(name),
    set,
  }
}
