import { builder } from './builder.ts'

builder.objectType('Actor', {
  description: 'Who did something.',
  fields: (t) => ({
    kind: t.string({ description: 'user, application or system.', resolve: (actor) => actor.kind }),
    id: t.id({ description: 'Stable.', resolve: (actor) => actor.id }),
    name: t.string({ description: 'Their name at the time.', resolve: (actor) => actor.name }),
  }),
})
