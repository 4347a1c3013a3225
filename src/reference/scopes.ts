import type { Scope } from '#domain/access/scope.ts'

/** What each scope allows, and what it can be narrowed to. */
export const scopeExplanations: Readonly<Record<Scope, { readonly allows: string; readonly narrowing?: string }>> = {
  'tasks:read': {
    allows: 'Read tasks with their results, parts and logs, and queues.',
    narrowing: 'task types: `tasks:read:type=deploy.*`',
  },
  'tasks:write': { allows: 'Submit, cancel and retry tasks.', narrowing: 'task types' },
  'tasks:approve': {
    allows: 'Approve and reject what tasks ask for.',
    narrowing: 'task types: `tasks:approve:type=deploy.*`',
  },
  'tasks:admin': { allows: 'All of tasks, and `/metrics`.', narrowing: 'task types' },
  'tasks:work': { allows: 'Reserved for remote workers; nothing uses it yet.', narrowing: 'task types' },
  'documents:read': {
    allows: 'Read documents, their versions and changes.',
    narrowing: 'patterns over `collection/key`',
  },
  'documents:write': {
    allows: 'Write documents. Callers that may write every document of a collection manage the collection.',
    narrowing: 'patterns over `collection/key`: `documents:write:releases/**`',
  },
  'entries:read': { allows: 'Read entries and see locks.', narrowing: 'patterns over keys and lock names' },
  'entries:write': {
    allows: 'Write entries; acquire and release locks.',
    narrowing: 'patterns over keys and lock names',
  },
  'events:read': {
    allows:
      'Read your own event types and `hook.*`. Other families need another scope as well: `task.*`, logs included, `tasks:read` for the type; `document.*` and `collection.*` `documents:read`; `lock.*` `entries:read`; `webhook.*` `webhooks:admin`; `salesforce.*` `salesforce:use`; `secret.*` `secrets:read`; `auth.*` `audit:read`. `entry.*` shows values only with `entries:read`.',
  },
  'events:write': { allows: 'Publish events of your own types.' },
  'webhooks:admin': { allows: 'Manage webhooks and their deliveries.' },
  'access:admin': { allows: 'Manage people, teams, sessions and tokens; force-release locks.' },
  'audit:read': { allows: 'Read the audit log and `auth.*` events.' },
  'salesforce:use': {
    allows: 'See Salesforce orgs, test them, open them in a browser, and run tasks that deploy nothing there.',
  },
  'salesforce:deploy': { allows: 'Run tasks that deploy to Salesforce orgs.' },
  'salesforce:admin': { allows: 'Register, change and remove Salesforce orgs.' },
  'secrets:read': { allows: 'List the names of the secrets of tasks, and read `secret.*` events.' },
  'secrets:write': { allows: 'Set and delete secrets of tasks. No scope reads their values.' },
  'installation:admin': {
    allows:
      'Manage the accounts of the installation. Only tokens of `signalbox account token` have it; `*` does not include it.',
  },
}
