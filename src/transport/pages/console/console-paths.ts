/** The first segments of the console's addresses; each is the console's with everything below it. */
export const consoleViews = [
  'overview',
  'tasks',
  'submit',
  'documents',
  'entries',
  'locks',
  'webhooks',
  'events',
  'audit',
  'access',
  'settings',
  'sign-in',
] as const

/** Where the files of the console are. */
export const assetsPath = '/assets'

/** The paths that are answered with the console's page: that of the server itself, and those of the views. */
export const consolePaths: readonly string[] = ['/', ...consoleViews.flatMap((view) => [`/${view}`, `/${view}/`])]
