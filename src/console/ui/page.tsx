import { Fragment, type ReactNode, useEffect, useRef } from 'react'
import { Link } from 'wouter'
import { useSession } from '#console/session/session-context.ts'
import { takePageFocus } from '#console/shell/page-focus.ts'

interface Crumb {
  readonly title: string
  readonly href: string
}

export interface PageProps {
  readonly title: string
  /** The way from the view to the page. */
  readonly crumbs?: readonly Crumb[] | undefined
  /** Beside the title. */
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** A page of a view: its heading, what can be done, and its content. */
export function Page({ title, crumbs = [], actions, children }: PageProps) {
  const { instance } = useSession()
  const main = useRef<HTMLElement>(null)
  useEffect(() => {
    document.title = `${title} – ${instance.name ?? 'Signalbox'}`
  }, [title, instance.name])
  useEffect(() => {
    if (takePageFocus()) main.current?.focus({ preventScroll: true })
  }, [])
  return (
    <main className="page" id="main" tabIndex={-1} ref={main}>
      <div className="page-head">
        <div>
          {crumbs.length > 0 && (
            <nav className="crumbs" aria-label="Breadcrumbs">
              {crumbs.map(({ title: name, href }) => (
                <Fragment key={href}>
                  <Link href={href}>{name}</Link>
                  <span aria-hidden="true">/</span>
                </Fragment>
              ))}
            </nav>
          )}
          <h1>{title}</h1>
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </main>
  )
}

export interface CardProps {
  readonly title: string
  readonly actions?: ReactNode
  /** Without a padding, for tables. */
  readonly flush?: boolean | undefined
  readonly children: ReactNode
}

/** A part of a page with a heading of its own. */
export function Card({ title, actions, flush, children }: CardProps) {
  return (
    <section className="card">
      <header>
        <h2>{title}</h2>
        {actions && <div className="row">{actions}</div>}
      </header>
      {flush ? children : <div className="body">{children}</div>}
    </section>
  )
}
