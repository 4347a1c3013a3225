import type { GuardedFetch } from '#platform/http/guarded-fetch.ts'
import { createCall } from './calls.ts'
import { createHeartbeat } from './heartbeat.ts'
import type { SalesforceHosts } from './hosts.ts'
import { createDeploymentCare } from './left-deployments.ts'
import { createOauth } from './oauth.ts'
import { createOrgCommands } from './org-commands.ts'
import { createRegistration } from './registration.ts'
import { createRegistrationCommands } from './registration-commands.ts'
import { createRequestHandler, type ReadTaskPart } from './tasks/request-handler.ts'
import { TokenKeeper, type TokenKeeperDeps } from './token-keeper.ts'
import { createWebLogin, type WebLoginDeps } from './web-login.ts'

export interface SalesforceServiceDeps extends Omit<TokenKeeperDeps, 'oauth'> {
  readonly outbound: Pick<GuardedFetch, 'fetch'>
  readonly hosts: SalesforceHosts
  readonly standIn: WebLoginDeps['standIn']
  readonly publicUrl: WebLoginDeps['publicUrl']
  readonly readTaskPart: ReadTaskPart
}

/** Everything that can be done with Salesforce orgs; the only way in for callers. */
export type SalesforceService = ReturnType<typeof createSalesforceService>

export function createSalesforceService(deps: SalesforceServiceDeps) {
  const call = createCall(deps.outbound, deps.hosts)
  const oauth = createOauth({ call, hosts: deps.hosts })
  const keeper = new TokenKeeper({ ...deps, oauth })
  const registerOrg = createRegistration({ ...deps, oauth, call })
  const webLogin = createWebLogin({ ...deps, oauth, register: registerOrg })
  return {
    ...createRegistrationCommands({ ...deps, call, oauth, keeper, registerOrg }),
    ...createOrgCommands({ ...deps, call, oauth, keeper }),
    beginLogin: webLogin.begin,
    finishLogin: webLogin.finish,
    /** Answers attempts of Salesforce task types. */
    answerAttempt: createRequestHandler({ ...deps, keeper }),
    heartbeat: createHeartbeat({ ...deps, keeper }),
    /** Looks after deployments that their tasks have left under way. */
    lookAfterDeployments: createDeploymentCare({ ...deps, keeper, call }),
    /** Resolves when no refresh token is in use here. */
    stop: () => keeper.stop(),
  }
}
