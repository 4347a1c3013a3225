/** Where a document's page is: its collection and key, each segment encoded. */
export function documentHref(collection: string, key: string, kind: 'at' | 'edit' = 'at'): string {
  return `/documents/${kind}/${[...collection.split('/'), key].map(encodeURIComponent).join('/')}`
}

/** The document that a path names: its last segment is the key. */
export function splitPath(path: string | undefined): { readonly collection: string; readonly documentKey: string } {
  const segments = (path ?? '').split('/').map(decode)
  return { collection: segments.slice(0, -1).join('/'), documentKey: segments.at(-1) ?? '' }
}

/** The router decodes what it can. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
