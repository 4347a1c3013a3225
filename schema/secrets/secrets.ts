import { SecretNotFound } from '#domain/secrets/errors.ts'
import { maxValueBytes, type Secret } from '#domain/secrets/secret.ts'
import { decodeCursor, encodeCursor } from '#lib/cursor.ts'
import { InvalidInput } from '#lib/errors.ts'
import { builder } from '#schema/builder.ts'
import { failureType } from '#schema/failures.ts'
import { connectionOf, pageOf, pageSize } from '#schema/pagination.ts'

failureType(SecretNotFound, 'SecretNotFound', 'The account has no secret of this name.')

const SecretRef = builder.objectRef<Secret>('Secret').implement({
  description: 'A credential that tasks use by its name. Its value can be replaced, and never read.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As task types list it.' }),
    createdBy: t.expose('createdBy', { type: 'Actor', description: 'Who created it.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was created.' }),
    updatedBy: t.expose('updatedBy', { type: 'Actor', description: 'Who set its current value.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its current value was set.' }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When an attempt last used it, to the minute; null: never. The audit log has each use.',
      resolve: ({ lastUsedAt }) => lastUsedAt,
    }),
  }),
})

const SecretConnection = connectionOf('Secret', SecretRef)

builder.queryField('secrets', (t) =>
  t.field({
    type: SecretConnection,
    description: 'The secrets of the account’s tasks by name, without their values.',
    args: {
      first: t.arg.int({ description: 'How many, 1 to 200; 50 when absent.' }),
      after: t.arg.string({ description: 'Continue after this cursor.' }),
    },
    async resolve(_root, { first, after }, { caller, secrets }) {
      const size = pageSize(first)
      const [name = ''] = after ? decodeCursor('secrets', after, 1) : []
      return pageOf(await secrets.list(caller, name, size + 1), size, after, (secret) =>
        encodeCursor('secrets', [secret.name]),
      )
    },
  }),
)

const PutSecretInput = builder.inputType('PutSecretInput', {
  description: 'A secret to create, or the new value of an existing one.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: '1 to 64 upper-case letters, digits and underscores, beginning with a letter.',
    }),
    value: t.string({
      required: true,
      description: `A text of at least 4 characters and at most ${maxValueBytes.toLocaleString('en')} bytes. Pass it as a variable: texts of operations may be logged by proxies.`,
    }),
  }),
})

const PutSecretPayload = builder
  .objectRef<{ readonly secret: Secret; readonly isNew: boolean }>('PutSecretPayload')
  .implement({
    description: 'The secret is set.',
    fields: (t) => ({
      secret: t.expose('secret', { type: SecretRef, description: 'The secret.' }),
      isNew: t.exposeBoolean('isNew', { description: 'False: it existed, and its value was replaced.' }),
    }),
  })

builder.mutationField('putSecret', (t) =>
  t.field({
    type: PutSecretPayload,
    description: 'Creates a secret or replaces its value; attempts that are running keep the old one.',
    args: { input: t.arg({ type: PutSecretInput, required: true, description: 'The secret.' }) },
    errors: { types: [InvalidInput] },
    resolve: async (_root, { input: { name, value } }, { caller, secrets }) => {
      const { isNew, ...secret } = await secrets.put(caller, name, value)
      return { secret, isNew }
    },
  }),
)

const DeleteSecretInput = builder.inputType('DeleteSecretInput', {
  description: 'A secret to delete.',
  fields: (t) => ({ name: t.string({ required: true, description: 'Its name.' }) }),
})

const DeleteSecretPayload = builder.objectRef<{ readonly secret: Secret }>('DeleteSecretPayload').implement({
  description: 'The secret was deleted.',
  fields: (t) => ({ secret: t.expose('secret', { type: SecretRef, description: 'Its last state.' }) }),
})

builder.mutationField('deleteSecret', (t) =>
  t.field({
    type: DeleteSecretPayload,
    description: 'Deletes a secret: attempts that need it fail with SECRET_MISSING from then on.',
    args: { input: t.arg({ type: DeleteSecretInput, required: true, description: 'Which one.' }) },
    errors: { types: [SecretNotFound] },
    resolve: async (_root, { input }, { caller, secrets }) => ({ secret: await secrets.remove(caller, input.name) }),
  }),
)
