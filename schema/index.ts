import './scalars.ts'
import './failures.ts'
import './actor.ts'
import './access/viewer.ts'
import './access/application-token.ts'
import './access/application-token-mutations.ts'
import './access/person.ts'
import './access/person-mutations.ts'
import './access/sign-in.ts'
import './access/oidc.ts'
import './audit/audit-entry.ts'
import './audit/queries.ts'
import './audit/verification.ts'
import './events/events.ts'
import './limits/rate-limit.ts'
import './tasks/queries.ts'
import './tasks/mutations.ts'
import './tasks/subscriptions.ts'
import { builder } from './builder.ts'

export type { Context } from './builder.ts'

/** The whole API as one executable schema. */
export const schema = builder.toSchema({})
