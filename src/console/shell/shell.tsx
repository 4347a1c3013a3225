import { type ReactNode, useEffect, useRef, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { may } from '#console/lib/scopes.ts'
import { useSession } from '#console/session/session-context.ts'
import { views } from '#console/views.ts'
import { AccountMenu } from './account-menu.tsx'
import { Brand } from './brand.tsx'
import { CommandPalette } from './command-palette.tsx'
import { ConnectionNote } from './connection-note.tsx'
import { focusNewPage } from './page-focus.ts'
import { Preferences } from './preferences.tsx'

/** What surrounds every view: where one is, who one is, and how to go elsewhere. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const { instance } = useSession()
  const [isOpen, setOpen] = useState(false)
  const [isFinding, setFinding] = useState(false)
  const [path] = useLocation()
  useInstanceColor(instance.color)
  useCommandKey(() => setFinding(true))
  usePageFocus(path, () => setOpen(false))
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      {instance.color && <div className="instance-bar" />}
      <div className={isOpen ? 'shell open' : 'shell'}>
        <header className="frame">
          <div className="top">
            <button
              type="button"
              className="button small"
              aria-expanded={isOpen}
              aria-controls="side"
              onClick={() => setOpen(!isOpen)}
            >
              Menu
            </button>
            <Brand instance={instance} />
            <button type="button" className="button small" onClick={() => setFinding(true)}>
              Find
            </button>
          </div>
          <div className="side" id="side">
            <Link href="/overview" className="plain-link brand">
              <Brand instance={instance} />
            </Link>
            <button type="button" className="find" onClick={() => setFinding(true)}>
              Find <kbd>{isMac ? '⌘' : 'Ctrl'} K</kbd>
            </button>
            <Navigation path={path} />
            <div className="foot">
              <Preferences />
              <AccountMenu />
            </div>
          </div>
        </header>
        <div className="main">
          <ConnectionNote />
          {children}
        </div>
      </div>
      {isFinding && <CommandPalette onClose={() => setFinding(false)} />}
    </>
  )
}

const isMac = navigator.userAgent.includes('Mac')

function Navigation({ path }: { readonly path: string }) {
  const { session } = useSession()
  const current = path.split('/')[1]
  return (
    <nav aria-label="Main">
      <ul>
        {views
          .filter(({ scopes }) => scopes.every((scope) => may(session.scopes, scope)))
          .map(({ name, title }) => (
            <li key={name}>
              <Link href={`/${name}`} aria-current={name === current ? 'page' : undefined}>
                {title}
              </Link>
            </li>
          ))}
      </ul>
    </nav>
  )
}

function useInstanceColor(color: string | undefined) {
  useEffect(() => {
    if (color !== undefined) document.documentElement.style.setProperty('--instance', color)
  }, [color])
}

function useCommandKey(open: () => void) {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey)) return
      event.preventDefault()
      open()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  })
}

function usePageFocus(path: string, onMove: () => void) {
  const before = useRef(path)
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    onMove()
    focusNewPage()
  })
}
