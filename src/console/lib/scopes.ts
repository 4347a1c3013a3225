/** The scopes that include others; the server decides, this only says what to offer. */
const includedIn: Readonly<Record<string, readonly string[]>> = {
  'tasks:read': ['tasks:write', 'tasks:approve', 'tasks:admin'],
  'tasks:write': ['tasks:admin'],
  'tasks:approve': ['tasks:admin'],
  'documents:read': ['documents:write'],
  'entries:read': ['entries:write'],
  'events:read': ['webhooks:admin'],
  'events:write': ['webhooks:admin'],
  'salesforce:use': ['salesforce:admin'],
  'secrets:read': ['secrets:write'],
}

/** Whether somebody with these scopes may do something at least somewhere. */
export function may(held: readonly string[], scope: string): boolean {
  const sufficient = [scope, ...(includedIn[scope] ?? [])]
  return held.some(
    (one) =>
      (one === '*' && scope !== 'installation:admin') ||
      sufficient.some((enough) => one === enough || one.startsWith(`${enough}:`)),
  )
}
