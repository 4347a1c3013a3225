import type { ReactNode } from 'react'
import { Page } from './page.tsx'

/** A page that says why there is nothing on it. */
export function Missing({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Page title={title}>
      <p className="note">{children}</p>
    </Page>
  )
}
