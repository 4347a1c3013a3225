import { builder } from './builder.ts'

/** The interface of all objects with an id; each type is listed in the table of `node-query.ts`. */
export const NodeRef = builder.interfaceRef<{ readonly id: string }>('Node').implement({
  description: 'An object with an id that is unique in the whole API; `node` finds it.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'Stable.' }) }),
})
