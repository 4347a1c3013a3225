import type { Health } from '#transport/rest/health.ts'
import { createDocument } from '#transport/rest/openapi.ts'
import type { Route } from '#transport/rest/route.ts'
import { applicationTokenRoutes } from './application-tokens.ts'
import { auditRoutes } from './audit.ts'
import { collectionRoutes } from './collections.ts'
import { deviceRoutes } from './device.ts'
import { documentRoutes } from './document.ts'
import { documentStoreRoutes } from './documents.ts'
import { environmentRoutes } from './environments.ts'
import { eventRoutes } from './events.ts'
import { healthRoutes } from './health.ts'
import { inboundHookDescriptions } from './inbound-hooks.ts'
import { jwksRoutes } from './jwks.ts'
import { keyValueRoutes } from './key-value.ts'
import { lockRoutes } from './locks.ts'
import { logRoutes } from './logs.ts'
import { recurringTaskRoutes } from './recurring-tasks.ts'
import { remoteWorkRoutes } from './remote-work.ts'
import { salesforceRoutes } from './salesforce.ts'
import { sessionRoutes } from './sessions.ts'
import { signInRoutes } from './sign-in.ts'
import { taskDecisionRoutes } from './task-decisions.ts'
import { taskListRoutes } from './task-list.ts'
import { taskPartRoutes } from './task-parts.ts'
import { taskTypeRoutes } from './task-types.ts'
import { taskRoutes } from './tasks.ts'
import { teamMemberRoutes } from './team-members.ts'
import { teamRoutes } from './teams.ts'
import { tokenExchangeRoutes } from './token-exchange.ts'
import { userRoutes } from './users.ts'
import { webhookRoutes } from './webhooks.ts'

export interface RoutesOptions {
  readonly health: Health
  readonly version: string
  /** The public keys of access tokens. */
  readonly jwks: () => Promise<object>
  /** Where this installation is reached; derived from each request when undefined. */
  readonly publicUrl: string | undefined
  /** Whether there is more to answer than how the process is. */
  readonly api: boolean
  /** Whether there is a page for trying queries. */
  readonly graphiql: boolean
}

/** Every route, in order of preference; a new group is a file of routes and a line here. */
export function createRoutes({ health, version, api, jwks, publicUrl, graphiql }: RoutesOptions): readonly Route[] {
  if (!api) return healthRoutes(health)
  const routes: Route[] = [
    ...healthRoutes(health),
    ...taskRoutes,
    ...taskDecisionRoutes,
    ...taskListRoutes,
    ...taskPartRoutes,
    ...recurringTaskRoutes,
    ...taskTypeRoutes,
    ...remoteWorkRoutes,
    ...logRoutes,
    ...eventRoutes,
    ...lockRoutes,
    ...environmentRoutes,
    ...keyValueRoutes,
    ...signInRoutes(publicUrl),
    ...deviceRoutes(publicUrl),
    ...tokenExchangeRoutes,
    ...sessionRoutes,
    ...jwksRoutes(jwks),
    ...applicationTokenRoutes,
    ...userRoutes,
    ...teamRoutes,
    ...teamMemberRoutes,
    ...auditRoutes,
    ...documentStoreRoutes,
    ...collectionRoutes,
    ...webhookRoutes,
    ...salesforceRoutes(publicUrl),
  ]
  // The document also describes the rows that serve it.
  const documents = documentRoutes({
    document: () => createDocument([...routes, ...documents, ...inboundHookDescriptions], { version, publicUrl }),
    graphiql,
  })
  return [...routes, ...documents]
}
