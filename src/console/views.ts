import { type ComponentType, type LazyExoticComponent, lazy } from 'react'

/** A view of the console: an entry of the navigation, and everything below `/<name>`. */
export interface View {
  /** The first segment of its addresses; the server has the same list in `console-paths.ts`. */
  readonly name: string
  /** In the navigation and the command palette. */
  readonly title: string
  /** Who has none of these scopes is not offered the view. */
  readonly scopes: readonly string[]
  readonly Component: LazyExoticComponent<ComponentType>
}

/**
 * All views, in the order of the navigation. To add one: a folder in `views/` whose main file exports its component as the
 * default, a line here, and its name in the server's list.
 */
export const views: readonly View[] = [
  view('overview', 'Overview', [], () => import('#console/views/overview/overview.tsx')),
  view('tasks', 'Tasks', ['tasks:read'], () => import('#console/views/tasks/tasks.tsx')),
  view('submit', 'Submit', ['tasks:write'], () => import('#console/views/submit/submit.tsx')),
  view('documents', 'Documents', ['documents:read'], () => import('#console/views/documents/documents.tsx')),
  view('entries', 'Entries', ['entries:read'], () => import('#console/views/entries/entries.tsx')),
  view('locks', 'Locks', ['entries:read'], () => import('#console/views/locks/locks.tsx')),
  view('webhooks', 'Webhooks', ['webhooks:admin'], () => import('#console/views/webhooks/webhooks.tsx')),
  view('events', 'Events', ['events:read'], () => import('#console/views/events/events.tsx')),
  view('audit', 'Audit', ['audit:read'], () => import('#console/views/audit/audit.tsx')),
  view('access', 'Access', [], () => import('#console/views/access/access.tsx')),
  view('settings', 'Settings', [], () => import('#console/views/settings/settings.tsx')),
]

function view(name: string, title: string, scopes: readonly string[], load: () => Promise<{ default: ComponentType }>) {
  return { name, title, scopes, Component: lazy(load) }
}
