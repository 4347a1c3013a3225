import { ScopeNotHeld } from '#domain/access/errors.ts'
import {
  AlreadyMember,
  EmailTaken,
  LastOwner,
  LastTeam,
  MemberNotFound,
  OwnRoleRaised,
  SlugTaken,
  TeamNotFound,
  UserNotFound,
} from '#domain/access/people/errors.ts'
import { InvalidInput } from '#lib/errors.ts'
import { IdempotencyKeyReused } from '#platform/database/idempotency.ts'
import { builder } from '#schema/builder.ts'
import { failureType } from '#schema/failures.ts'
import { idempotencyKey } from '#schema/idempotency.ts'
import { PersonRole, TeamRef, UserRef } from './person.ts'

failureType(UserNotFound, 'UserNotFound', 'The account has no such user.')
failureType(EmailTaken, 'EmailTaken', 'A user with this address already exists.')
failureType(OwnRoleRaised, 'OwnRoleRaised', 'You cannot raise your own role.')
failureType(LastOwner, 'LastOwner', 'The account must keep at least one owner who can add people.')
failureType(TeamNotFound, 'TeamNotFound', 'The account has no such team.')
failureType(SlugTaken, 'SlugTaken', 'The account already has a team with this slug.')
failureType(LastTeam, 'LastTeam', 'The account’s last team cannot be deleted.')
failureType(AlreadyMember, 'AlreadyMember', 'The person is already in the team.')
failureType(MemberNotFound, 'MemberNotFound', 'The person is not in the team.')

const who = 'Their id or e-mail address.'

export function userPayload(name: string, description: string) {
  return builder.objectRef<{ id: string }>(name).implement({
    description,
    fields: (t) => ({
      user: t.prismaField({
        type: UserRef,
        description: 'Their current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.user.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

const CreateUserInput = builder.inputType('CreateUserInput', {
  description: 'A person to add.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'The e-mail address that they sign in with.' }),
    firstName: t.string({ required: true, defaultValue: '', description: 'At most 100 characters.' }),
    lastName: t.string({ required: true, defaultValue: '', description: 'At most 100 characters.' }),
    role: t.field({ type: PersonRole, required: true, defaultValue: 'MEMBER', description: 'In the account.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

builder.mutationField('createUser', (t) =>
  t.field({
    type: userPayload('CreateUserPayload', 'The person was added.'),
    description: 'Adds a person. Needs `access:admin` and every scope of the role.',
    args: { input: t.arg({ type: CreateUserInput, required: true, description: 'The person.' }) },
    errors: { types: [InvalidInput, EmailTaken, IdempotencyKeyReused, ScopeNotHeld] },
    resolve: async (_root, { input: { idempotencyKey: key, ...facts } }, { caller, access }) => ({
      id: await access.users.create(caller, facts, key ?? undefined),
    }),
  }),
)

const UpdateUserInput = builder.inputType('UpdateUserInput', {
  description: 'The fields of a person to change; absent fields keep their values.',
  fields: (t) => ({
    who: t.string({ required: true, description: who }),
    firstName: t.string({ description: 'At most 100 characters.' }),
    lastName: t.string({ description: 'At most 100 characters.' }),
    role: t.field({ type: PersonRole, description: 'In the account. Takes effect at once.' }),
  }),
})

builder.mutationField('updateUser', (t) =>
  t.field({
    type: userPayload('UpdateUserPayload', 'The person was updated.'),
    description:
      'Updates a person. People may change their own names; everything else needs `access:admin` and every scope of the person’s role, before and after. A narrowed session cannot change its own person.',
    args: { input: t.arg({ type: UpdateUserInput, required: true, description: 'The person and the changes.' }) },
    errors: { types: [UserNotFound, InvalidInput, OwnRoleRaised, LastOwner, ScopeNotHeld] },
    resolve: async (_root, { input: { who, ...changes } }, { caller, access }) => ({
      id: await access.users.update(caller, who, present(changes)),
    }),
  }),
)

const RemoveUserInput = builder.inputType('RemoveUserInput', {
  description: 'A person to remove.',
  fields: (t) => ({ who: t.string({ required: true, description: who }) }),
})

builder.mutationField('removeUser', (t) =>
  t.field({
    type: userPayload('RemoveUserPayload', 'The person was removed.'),
    description:
      'Removes a person and ends their sessions; their name stays on everything they did. They cannot sign in again until `createUser` adds them. Needs every scope of the person’s role and, for others, `access:admin`.',
    args: { input: t.arg({ type: RemoveUserInput, required: true, description: 'Who.' }) },
    errors: { types: [UserNotFound, LastOwner, ScopeNotHeld] },
    resolve: async (_root, { input }, { caller, access }) => ({ id: await access.users.remove(caller, input.who) }),
  }),
)

function teamPayload(name: string, description: string) {
  return builder.objectRef<{ id: string }>(name).implement({
    description,
    fields: (t) => ({
      team: t.prismaField({
        type: TeamRef,
        description: 'Its current state.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.team.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

const CreateTeamInput = builder.inputType('CreateTeamInput', {
  description: 'A team to create.',
  fields: (t) => ({
    slug: t.string({
      required: true,
      description: 'Its short name: 1 to 63 characters of a-z, 0-9 and, between them, -.',
    }),
    name: t.string({ required: true, description: 'Its display name; at most 100 characters.' }),
    description: t.string({ required: true, defaultValue: '', description: 'At most 500 characters.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

builder.mutationField('createTeam', (t) =>
  t.field({
    type: teamPayload('CreateTeamPayload', 'The team was created. A person who creates a team becomes its owner.'),
    description: 'Creates a team.',
    args: { input: t.arg({ type: CreateTeamInput, required: true, description: 'The team.' }) },
    errors: { types: [InvalidInput, SlugTaken, IdempotencyKeyReused, TeamNotFound] },
    resolve: async (_root, { input: { idempotencyKey: key, ...facts } }, { caller, access }) => ({
      id: await access.teams.create(caller, facts, key ?? undefined),
    }),
  }),
)

const UpdateTeamInput = builder.inputType('UpdateTeamInput', {
  description: 'The fields of a team to change; absent fields keep their values.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'The slug of the team.' }),
    name: t.string({ description: 'At most 100 characters.' }),
    description: t.string({ description: 'At most 500 characters.' }),
  }),
})

builder.mutationField('updateTeam', (t) =>
  t.field({
    type: teamPayload('UpdateTeamPayload', 'The team was updated.'),
    description: 'Updates a team. For its owners, and for callers with `access:admin`.',
    args: { input: t.arg({ type: UpdateTeamInput, required: true, description: 'The team and the changes.' }) },
    errors: { types: [TeamNotFound, InvalidInput] },
    resolve: async (_root, { input: { slug, ...changes } }, { caller, access }) => ({
      id: await access.teams.update(caller, slug, present(changes)),
    }),
  }),
)

const DeleteTeamInput = builder.inputType('DeleteTeamInput', {
  description: 'A team to delete.',
  fields: (t) => ({ slug: t.string({ required: true, description: 'The slug of the team.' }) }),
})

const DeleteTeamPayload = builder.objectRef<{ id: string }>('DeleteTeamPayload').implement({
  description: 'The team was deleted; its members stay in the account.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'The id of the deleted team.' }) }),
})

builder.mutationField('deleteTeam', (t) =>
  t.field({
    type: DeleteTeamPayload,
    description: 'Deletes a team; the account’s last team cannot be deleted.',
    args: { input: t.arg({ type: DeleteTeamInput, required: true, description: 'The team to delete.' }) },
    errors: { types: [TeamNotFound, LastTeam] },
    resolve: async (_root, { input }, { caller, access }) => ({ id: await access.teams.remove(caller, input.slug) }),
  }),
)

const TeamMemberInput = builder.inputType('TeamMemberInput', {
  description: 'A person in a team.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'The slug of the team.' }),
    who: t.string({ required: true, description: who }),
    role: t.field({ type: PersonRole, required: true, defaultValue: 'MEMBER', description: 'In the team.' }),
    idempotencyKey: t.string({ description: `${idempotencyKey.description} Only \`addTeamMember\` looks at it.` }),
  }),
})

builder.mutationField('addTeamMember', (t) =>
  t.field({
    type: teamPayload('AddTeamMemberPayload', 'The person was added.'),
    description: 'Adds a person of the account to a team.',
    args: { input: t.arg({ type: TeamMemberInput, required: true, description: 'The person and the team.' }) },
    errors: { types: [TeamNotFound, UserNotFound, AlreadyMember, InvalidInput, IdempotencyKeyReused] },
    resolve: async (_root, { input: { slug, who, role, idempotencyKey: key } }, { caller, access }) => ({
      id: await access.teams.addMember(caller, slug, who, role, key ?? undefined),
    }),
  }),
)

builder.mutationField('updateTeamMember', (t) =>
  t.field({
    type: teamPayload('UpdateTeamMemberPayload', 'The role was changed.'),
    description: 'Changes a member’s role.',
    args: { input: t.arg({ type: TeamMemberInput, required: true, description: 'The person and the team.' }) },
    errors: { types: [TeamNotFound, UserNotFound, MemberNotFound, OwnRoleRaised, LastOwner] },
    resolve: async (_root, { input: { slug, who, role } }, { caller, access }) => ({
      id: await access.teams.setMemberRole(caller, slug, who, role),
    }),
  }),
)

const RemoveTeamMemberInput = builder.inputType('RemoveTeamMemberInput', {
  description: 'A person to remove from a team.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'The slug of the team.' }),
    who: t.string({ required: true, description: who }),
  }),
})

builder.mutationField('removeTeamMember', (t) =>
  t.field({
    type: teamPayload('RemoveTeamMemberPayload', 'The person was removed from the team.'),
    description: 'Removes a person from a team; members may remove themselves.',
    args: { input: t.arg({ type: RemoveTeamMemberInput, required: true, description: 'The person and the team.' }) },
    errors: { types: [TeamNotFound, UserNotFound, MemberNotFound, LastOwner] },
    resolve: async (_root, { input: { slug, who } }, { caller, access }) => ({
      id: await access.teams.removeMember(caller, slug, who),
    }),
  }),
)

/** The input without its absent and null fields. */
function present<Changes extends object>(changes: Changes): { [Key in keyof Changes]?: NonNullable<Changes[Key]> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value != null)) as never
}
