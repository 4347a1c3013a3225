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
failureType(EmailTaken, 'EmailTaken', 'The address belongs to a user already.')
failureType(OwnRoleRaised, 'OwnRoleRaised', 'Nobody raises their own role.')
failureType(LastOwner, 'LastOwner', 'Somebody has to be left who may let others in.')
failureType(TeamNotFound, 'TeamNotFound', 'The account has no such team.')
failureType(SlugTaken, 'SlugTaken', 'The account has a team of this slug already.')
failureType(LastTeam, 'LastTeam', 'The account’s last team stays.')
failureType(AlreadyMember, 'AlreadyMember', 'The person is in the team already.')
failureType(MemberNotFound, 'MemberNotFound', 'The person is not in the team.')

const who = 'Their id or e-mail address.'

export function userPayload(name: string, description: string) {
  return builder.objectRef<{ id: string }>(name).implement({
    description,
    fields: (t) => ({
      user: t.prismaField({
        type: UserRef,
        description: 'As they are now.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.user.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

const CreateUserInput = builder.inputType('CreateUserInput', {
  description: 'A person to be let in.',
  fields: (t) => ({
    email: t.string({ required: true, description: 'Their address; they sign in with it.' }),
    firstName: t.string({ required: true, defaultValue: '', description: 'At most 100 characters.' }),
    lastName: t.string({ required: true, defaultValue: '', description: 'At most 100 characters.' }),
    role: t.field({ type: PersonRole, required: true, defaultValue: 'MEMBER', description: 'In the account.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

builder.mutationField('createUser', (t) =>
  t.field({
    type: userPayload('CreateUserPayload', 'The person belongs to the account.'),
    description: 'Adds a person. Needs `access:admin` and every scope that the role has.',
    args: { input: t.arg({ type: CreateUserInput, required: true, description: 'The person.' }) },
    errors: { types: [InvalidInput, EmailTaken, IdempotencyKeyReused, ScopeNotHeld] },
    resolve: async (_root, { input: { idempotencyKey: key, ...facts } }, { caller, access }) => ({
      id: await access.users.create(caller, facts, key ?? undefined),
    }),
  }),
)

const UpdateUserInput = builder.inputType('UpdateUserInput', {
  description: 'What is to be changed of a person; what is left out stays.',
  fields: (t) => ({
    who: t.string({ required: true, description: who }),
    firstName: t.string({ description: 'At most 100 characters.' }),
    lastName: t.string({ description: 'At most 100 characters.' }),
    role: t.field({ type: PersonRole, description: 'In the account. Takes effect at once.' }),
  }),
})

builder.mutationField('updateUser', (t) =>
  t.field({
    type: userPayload('UpdateUserPayload', 'The person is changed.'),
    description:
      'Changes a person: people their own names; everything with `access:admin` and every scope that the person’s role has, before and after. A session that is narrowed changes nothing of its own person.',
    args: { input: t.arg({ type: UpdateUserInput, required: true, description: 'Who, and what.' }) },
    errors: { types: [UserNotFound, InvalidInput, OwnRoleRaised, LastOwner, ScopeNotHeld] },
    resolve: async (_root, { input: { who, ...changes } }, { caller, access }) => ({
      id: await access.users.update(caller, who, present(changes)),
    }),
  }),
)

const RemoveUserInput = builder.inputType('RemoveUserInput', {
  description: 'A person to be let go.',
  fields: (t) => ({ who: t.string({ required: true, description: who }) }),
})

builder.mutationField('removeUser', (t) =>
  t.field({
    type: userPayload('RemoveUserPayload', 'The person belongs to the account no longer.'),
    description:
      'Removes a person and ends their sessions; what they did keeps their name. They don’t return by themselves: only `createUser` adds them again. Needs every scope that the person’s role has and, for others, `access:admin`.',
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
        description: 'As it is now.',
        resolve: (query, { id }, _args, { caller, db }) =>
          db.team.findUniqueOrThrow({ ...query, where: { accountId_id: { accountId: caller.accountId, id } } }),
      }),
    }),
  })
}

const CreateTeamInput = builder.inputType('CreateTeamInput', {
  description: 'A team to be made.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'What it is called by: 1 to 63 of a-z, 0-9 and, between them, -.' }),
    name: t.string({ required: true, description: 'For people; at most 100 characters.' }),
    description: t.string({ required: true, defaultValue: '', description: 'At most 500 characters.' }),
    idempotencyKey: t.string(idempotencyKey),
  }),
})

builder.mutationField('createTeam', (t) =>
  t.field({
    type: teamPayload('CreateTeamPayload', 'The team is there. A person who made it is its owner.'),
    description: 'Creates a team.',
    args: { input: t.arg({ type: CreateTeamInput, required: true, description: 'The team.' }) },
    errors: { types: [InvalidInput, SlugTaken, IdempotencyKeyReused, TeamNotFound] },
    resolve: async (_root, { input: { idempotencyKey: key, ...facts } }, { caller, access }) => ({
      id: await access.teams.create(caller, facts, key ?? undefined),
    }),
  }),
)

const UpdateTeamInput = builder.inputType('UpdateTeamInput', {
  description: 'What is to be changed of a team; what is left out stays.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'The slug of the team.' }),
    name: t.string({ description: 'At most 100 characters.' }),
    description: t.string({ description: 'At most 500 characters.' }),
  }),
})

builder.mutationField('updateTeam', (t) =>
  t.field({
    type: teamPayload('UpdateTeamPayload', 'The team is changed.'),
    description: 'Changes a team: its own owners may, and who administers access.',
    args: { input: t.arg({ type: UpdateTeamInput, required: true, description: 'Which, and what.' }) },
    errors: { types: [TeamNotFound, InvalidInput] },
    resolve: async (_root, { input: { slug, ...changes } }, { caller, access }) => ({
      id: await access.teams.update(caller, slug, present(changes)),
    }),
  }),
)

const DeleteTeamInput = builder.inputType('DeleteTeamInput', {
  description: 'A team to be deleted.',
  fields: (t) => ({ slug: t.string({ required: true, description: 'The slug of the team.' }) }),
})

const DeleteTeamPayload = builder.objectRef<{ id: string }>('DeleteTeamPayload').implement({
  description: 'The team is gone; its members belong to the account as before.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'The id that it had.' }) }),
})

builder.mutationField('deleteTeam', (t) =>
  t.field({
    type: DeleteTeamPayload,
    description: 'Deletes a team; the account’s last one stays.',
    args: { input: t.arg({ type: DeleteTeamInput, required: true, description: 'The team to delete.' }) },
    errors: { types: [TeamNotFound, LastTeam] },
    resolve: async (_root, { input }, { caller, access }) => ({ id: await access.teams.remove(caller, input.slug) }),
  }),
)

const TeamMemberInput = builder.inputType('TeamMemberInput', {
  description: 'A person in a team.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'Which team.' }),
    who: t.string({ required: true, description: who }),
    role: t.field({ type: PersonRole, required: true, defaultValue: 'MEMBER', description: 'In the team.' }),
    idempotencyKey: t.string({ description: `${idempotencyKey.description} Only \`addTeamMember\` looks at it.` }),
  }),
})

builder.mutationField('addTeamMember', (t) =>
  t.field({
    type: teamPayload('AddTeamMemberPayload', 'The person is in the team.'),
    description: 'Takes a person of the account into a team.',
    args: { input: t.arg({ type: TeamMemberInput, required: true, description: 'Who, and where.' }) },
    errors: { types: [TeamNotFound, UserNotFound, AlreadyMember, InvalidInput, IdempotencyKeyReused] },
    resolve: async (_root, { input: { slug, who, role, idempotencyKey: key } }, { caller, access }) => ({
      id: await access.teams.addMember(caller, slug, who, role, key ?? undefined),
    }),
  }),
)

builder.mutationField('updateTeamMember', (t) =>
  t.field({
    type: teamPayload('UpdateTeamMemberPayload', 'The person has the role in the team.'),
    description: 'Changes what a person is in a team.',
    args: { input: t.arg({ type: TeamMemberInput, required: true, description: 'Who, and where.' }) },
    errors: { types: [TeamNotFound, UserNotFound, MemberNotFound, OwnRoleRaised, LastOwner] },
    resolve: async (_root, { input: { slug, who, role } }, { caller, access }) => ({
      id: await access.teams.setMemberRole(caller, slug, who, role),
    }),
  }),
)

const RemoveTeamMemberInput = builder.inputType('RemoveTeamMemberInput', {
  description: 'A person to be taken out of a team.',
  fields: (t) => ({
    slug: t.string({ required: true, description: 'Which team.' }),
    who: t.string({ required: true, description: who }),
  }),
})

builder.mutationField('removeTeamMember', (t) =>
  t.field({
    type: teamPayload('RemoveTeamMemberPayload', 'The person is in the team no longer.'),
    description: 'Takes a person out of a team; everybody may leave by themselves.',
    args: { input: t.arg({ type: RemoveTeamMemberInput, required: true, description: 'Who, and where.' }) },
    errors: { types: [TeamNotFound, UserNotFound, MemberNotFound, LastOwner] },
    resolve: async (_root, { input: { slug, who } }, { caller, access }) => ({
      id: await access.teams.removeMember(caller, slug, who),
    }),
  }),
)

/** Without what was left out, be it absent or null. */
function present<Changes extends object>(changes: Changes): { [Key in keyof Changes]?: NonNullable<Changes[Key]> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value != null)) as never
}
