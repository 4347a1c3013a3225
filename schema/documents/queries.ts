import { defaultCollection } from '#domain/documents/name.ts'
import { builder } from '#schema/builder.ts'
import { DocumentRef } from './document.ts'

builder.queryField('document', (t) =>
  t.field({
    type: DocumentRef,
    nullable: true,
    description: 'One document; null when there is none, and when it is deleted. A deletion is found by its version.',
    args: {
      collection: t.arg.string({
        required: true,
        defaultValue: defaultCollection,
        description: 'The path of its collection.',
      }),
      key: t.arg.string({ required: true, description: 'Its key.' }),
      version: t.arg.int({ description: 'As this version made it; the present one when absent.' }),
      at: t.arg({ type: 'DateTime', description: 'As it was then; now when absent.' }),
      deleted: t.arg.boolean({ description: 'Also when it is deleted, as it then is: without data.' }),
    },
    resolve: async (_root, { collection, key, version, at, deleted }, { caller, documents }) => {
      const which = { version: version ?? undefined, at: at ?? undefined, deleted: deleted ?? undefined }
      return (await documents.find(caller, { collection, key }, which)) ?? null
    },
  }),
)
