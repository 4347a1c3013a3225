import { Link, Route, Switch } from 'wouter'
import { useMay, useSession } from '#console/session/session-context.ts'
import { Page } from '#console/ui/page.tsx'
import { People } from './people.tsx'
import { Profile } from './profile.tsx'
import { SessionList } from './session-list.tsx'
import { Teams } from './teams.tsx'
import { Tokens } from './tokens.tsx'

const tabs = [
  { path: '/access', title: 'Profile', Component: Profile },
  { path: '/access/people', title: 'People', Component: People },
  { path: '/access/teams', title: 'Teams', Component: Teams },
  { path: '/access/tokens', title: 'Tokens', Component: Tokens },
  { path: '/access/sessions', title: 'Sessions', Component: SessionList },
] as const

/** Who may do what: people, teams, tokens and sessions, and oneself. */
export default function Access() {
  const { session } = useSession()
  const isAdmin = useMay('access:admin')
  // Others see themselves: their tokens, teams and sessions.
  const shown = tabs.filter(({ path }) => isAdmin || session.kind === 'user' || path === '/access')
  return (
    <Page title="Access">
      <Switch>
        {shown.map(({ path, title, Component }) => (
          <Route key={path} path={path}>
            <nav className="tabs" aria-label="Access">
              {shown.map((tab) => (
                <Link key={tab.path} href={tab.path} aria-current={tab.title === title ? 'page' : undefined}>
                  {tab.title}
                </Link>
              ))}
            </nav>
            <Component />
          </Route>
        ))}
        <Route>
          <p className="note">There is no such page, or you may not see it.</p>
        </Route>
      </Switch>
    </Page>
  )
}
