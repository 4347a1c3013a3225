import { randomBytes } from 'node:crypto'
import { FakeWork } from './work.ts'

export type FakeOrgKind = 'production' | 'sandbox' | 'scratch' | 'developer'

interface FakeUser {
  readonly id: string
  readonly username: string
  isActive: boolean
}

/** An org of the fake, which lives at a host of its own. */
export interface FakeOrg {
  /** 18 characters. */
  readonly id: string
  /** Such as `acme.my.salesforce.localhost`, without the port. */
  readonly host: string
  readonly name: string
  readonly kind: FakeOrgKind
  readonly users: FakeUser[]
  isDevHub: boolean
  status: 'active' | 'locked' | 'inactive'
  /** Of a scratch org. */
  expiresOn: string | null
  /** Of a sandbox. */
  readonly parent?: FakeOrg
  readonly sandboxName?: string
  /** Records by object, for queries. */
  readonly records: Map<string, readonly Readonly<Record<string, unknown>>[]>
  readonly limits: Record<string, { Max: number; Remaining: number }>
  readonly work: FakeWork
}

/** An External Client App. */
export interface FakeApp {
  readonly clientId: string
  clientSecret: string
  /** PEM; what JWT assertions are verified with. */
  publicKey: string | undefined
  readonly callbackUrls: readonly string[]
  /** Whether each use of a refresh token replaces it. */
  rotates: boolean
  /** Whether the secret is needed for the web flow and refreshes. */
  needsSecret: boolean
  /** For the client credentials flow. */
  runAs: string | undefined
  /** Users whom an administrator has approved. */
  readonly approved: Set<string>
  scopes: string
  isBlocked: boolean
  isIpRestricted: boolean
}

/** What one user has allowed one app. */
export interface FakeGrant {
  readonly app: FakeApp
  readonly org: FakeOrg
  readonly user: FakeUser
  refreshToken: string | undefined
  readonly used: Set<string>
  readonly accessTokens: Set<string>
  isRevoked: boolean
}

export interface FakeCode {
  readonly grant: FakeGrant
  readonly redirectUri: string
  readonly challenge: string | undefined
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function letters(count: number): string {
  return [...randomBytes(count)].map((byte) => alphabet[byte % alphabet.length]).join('')
}

/** Everything that the fake knows: orgs, apps, and what was granted. */
export class FakeModel {
  readonly orgs: FakeOrg[] = []
  readonly apps: FakeApp[] = []
  readonly grants: FakeGrant[] = []
  readonly codes = new Map<string, FakeCode>()
  /** One-time passwords of front doors. */
  readonly frontDoors = new Map<string, FakeGrant>()
  /** Every secret that was ever given out, to be looked for where none may be. */
  readonly secrets = new Set<string>()
  /** How often a refresh token was used that had been replaced before. */
  reuses = 0
  /** How often a refresh token was accepted. */
  refreshes = 0

  addOrg(given: { domain: string; username: string; kind?: FakeOrgKind } & Partial<FakeOrg>): FakeOrg {
    const { domain, username, kind = 'production', ...rest } = given
    const suffix = kind === 'sandbox' || kind === 'scratch' ? `${kind}.my` : 'my'
    const org: FakeOrg = {
      id: `00D${letters(12)}EAA`,
      host: `${domain}.${suffix}.salesforce.localhost`,
      name: domain,
      kind,
      users: [{ id: `005${letters(12)}IAQ`, username, isActive: true }],
      isDevHub: false,
      status: 'active',
      expiresOn: kind === 'scratch' ? new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10) : null,
      records: new Map(),
      limits: {
        DailyApiRequests: { Max: 15_000, Remaining: 14_998 },
        DailyBulkV2QueryJobs: { Max: 10_000, Remaining: 10_000 },
      },
      work: new FakeWork(),
      ...rest,
    }
    this.orgs.push(org)
    return org
  }

  addApp(given: Partial<FakeApp> = {}): FakeApp {
    const app: FakeApp = {
      clientId: `3MVG9${letters(60)}`,
      clientSecret: letters(64),
      publicKey: undefined,
      callbackUrls: [],
      rotates: false,
      needsSecret: false,
      runAs: undefined,
      approved: new Set(),
      scopes: 'api web refresh_token',
      isBlocked: false,
      isIpRestricted: false,
      ...given,
    }
    this.apps.push(app)
    this.secrets.add(app.clientSecret)
    return app
  }

  /** What a user has allowed an app, with a refresh token. */
  addGrant(app: FakeApp, org: FakeOrg, options: { isOffline?: boolean } = {}): FakeGrant {
    const [user] = org.users
    if (user === undefined) throw new Error('The org has no user.')
    const grant: FakeGrant = {
      app,
      org,
      user,
      refreshToken: undefined,
      used: new Set(),
      accessTokens: new Set(),
      isRevoked: false,
    }
    this.grants.push(grant)
    if (options.isOffline ?? true) this.rotate(grant)
    return grant
  }

  /** Replaces the refresh token of a grant. */
  rotate(grant: FakeGrant): string {
    if (grant.refreshToken !== undefined) grant.used.add(grant.refreshToken)
    grant.refreshToken = this.#secret(`5Aep861${letters(60)}`)
    return grant.refreshToken
  }

  issueAccessToken(grant: FakeGrant): string {
    const token = this.#secret(`${grant.org.id.slice(0, 15)}!${letters(90)}`)
    grant.accessTokens.add(token)
    return token
  }

  issueCode(code: FakeCode): string {
    const text = this.#secret(`aPrx${letters(60)}`)
    this.codes.set(text, code)
    return text
  }

  issueFrontDoor(grant: FakeGrant): string {
    const otp = this.#secret(`otp${letters(60)}`)
    this.frontDoors.set(otp, grant)
    return otp
  }

  /** Ends a grant with all its access tokens, as Salesforce does when a replaced refresh token is used again. */
  revoke(grant: FakeGrant): void {
    grant.isRevoked = true
    grant.accessTokens.clear()
  }

  /** Ends all access tokens of an org, as their session timeout does. */
  expireAccessTokens(org: FakeOrg): void {
    for (const grant of this.grants) if (grant.org === org) grant.accessTokens.clear()
  }

  orgAt(host: string): FakeOrg | undefined {
    return this.orgs.find((org) => org.host === host.split(':', 1)[0])
  }

  orgOf(username: string): FakeOrg | undefined {
    return this.orgs.find(({ users }) => users.some((user) => user.username === username))
  }

  grantOf(accessToken: string): FakeGrant | undefined {
    return this.grants.find(({ accessTokens }) => accessTokens.has(accessToken))
  }

  #secret(text: string): string {
    this.secrets.add(text)
    return text
  }
}
