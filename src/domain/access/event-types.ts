import { z } from 'zod'
import { type EventTypes, eventTypesOf } from '#platform/journal/event-type.ts'
import type { authEventTypes } from './events.ts'

const account = z.looseObject({ name: z.string(), reason: z.string().optional() })
const owner = z.looseObject({ id: z.string(), email: z.string() }).describe('Whose personal token it is.')
const token = z.looseObject({ name: z.string(), owner: owner.optional() })
const issued = token.extend({ scopes: z.array(z.string()).optional(), expiresAt: z.iso.datetime().optional() })
const ended = token.extend({ reason: z.string().optional() })
const person = z.looseObject({ email: z.string(), role: z.string() })
const session = z.looseObject({ userId: z.string(), email: z.string().optional(), reason: z.string().optional() })
const device = z.looseObject({
  client: z.string().describe('What the device calls itself.'),
  address: z.string(),
  scopes: z.array(z.string()).describe('Those asked for or granted; everything that the person may do when empty.'),
})
const team = z.looseObject({ name: z.string() })
const member = team.extend({ member: person.extend({ id: z.string() }) })
const suppressed = z.int().optional().describe('Further ones in the same minute without an event of their own.')

export const authEventCatalog: EventTypes<(typeof authEventTypes)[number]> = {
  ...eventTypesOf(account, {
    'auth.account_created': 'An account was created.',
    'auth.account_suspended': 'An account was suspended.',
    'auth.account_resumed': 'An account’s suspension ended.',
    'auth.account_deletion_started': 'The deletion of an account began.',
    'auth.account_deleted': 'An account was deleted.',
  }),
  'auth.token_created': { description: 'An application token was created.', data: issued },
  'auth.token_exchanged': {
    description: 'A CI job’s OIDC token was exchanged for an application token.',
    data: issued.extend({ rule: z.string(), issuer: z.string(), subject: z.string() }),
  },
  'auth.token_rotated': {
    description: 'A token was replaced by a successor; it ends at `expiresAt`, or at once.',
    data: issued.extend({ successor: z.string().optional() }),
  },
  ...eventTypesOf(ended, {
    'auth.token_revoked': 'A token was revoked.',
    'auth.token_reused':
      'A token that was rotated rotated itself again, so it was copied: all tokens of its line are revoked.',
  }),
  ...eventTypesOf(issued, {
    'auth.token_expiring': 'A token in use expires within two weeks.',
    'auth.token_expired': 'A token expired.',
  }),
  'auth.token_used_from_new_address': {
    description: 'A token was used from an address that is new for it.',
    data: token.extend({ address: z.string() }),
  },
  'auth.token_used_unusually': {
    description: 'A token was used more than ten times as much as usual.',
    data: token.extend({ calls: z.number().describe('In this hour.'), usualCalls: z.number() }),
  },
  ...eventTypesOf(token, {
    'auth.token_signed_in': 'A browser was signed in with an application token.',
    'auth.token_signed_out': 'A browser that was signed in with an application token signed out.',
  }),
  ...eventTypesOf(person, {
    'auth.user_created': 'A person was added to the account.',
    'auth.user_changed': 'A person’s names were changed.',
    'auth.user_role_changed': 'A person got another role.',
    'auth.user_removed': 'A person was removed from the account.',
    'auth.user_password_set': 'A person got a new password; their sessions ended.',
    'auth.user_sign_in_failed': 'Somebody gave a wrong password for a person.',
  }),
  'auth.identity_linked': {
    description: 'A person can sign in at an identity provider from now on.',
    data: z.looseObject({ email: z.string(), issuer: z.string() }),
  },
  'auth.signed_in': {
    description: 'A person signed in.',
    data: session.extend({ method: z.string().optional(), scopes: z.array(z.string()).optional() }),
  },
  ...eventTypesOf(session, {
    'auth.session_refreshed': 'A session was renewed with its refresh token.',
    'auth.session_ended': 'A session ended.',
    'auth.refresh_token_reused': 'A refresh token was used twice, so it was copied: its session ended.',
  }),
  'auth.session_narrowed': {
    description: 'A session was limited to fewer scopes.',
    data: session.extend({ scopes: z.array(z.string()).optional() }),
  },
  ...eventTypesOf(device, {
    'auth.device_requested': 'A device asked to be signed in.',
    'auth.device_approved': 'A person approved a device.',
    'auth.device_denied': 'A person refused a device.',
  }),
  ...eventTypesOf(team, {
    'auth.team_created': 'A team was created.',
    'auth.team_changed': 'A team was changed.',
    'auth.team_deleted': 'A team was deleted.',
  }),
  ...eventTypesOf(member, {
    'auth.team_member_added': 'A person was added to a team.',
    'auth.team_member_changed': 'A person got another role in a team.',
    'auth.team_member_removed': 'A person was removed from a team.',
  }),
  'auth.refused': {
    description: 'A caller was refused something that its scopes do not allow.',
    data: z.looseObject({
      sufficientScopes: z.array(z.string()).describe('Any of these would have been enough.'),
      resource: z.string().optional(),
      suppressed,
    }),
  },
  'auth.refused_repeatedly': {
    description: 'A caller was refused ten times in five minutes.',
    data: z.looseObject({ count: z.int() }),
  },
  'auth.attempt_failed': {
    description: 'Somebody did not prove who they are.',
    data: z.looseObject({
      method: z.string().describe('`token`, `password`, `refresh`, `oidc`, `exchange`, or `none`.'),
      reason: z.string().describe('The code of the refusal.'),
      token: z
        .looseObject({
          id: z.string(),
          name: z.string(),
          ended: z.string().optional(),
          successor: z.string().optional(),
        })
        .optional()
        .describe('The application token that is no longer valid.'),
      suppressed,
    }),
  },
}
