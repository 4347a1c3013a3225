import { builder } from './builder.ts'

/** What everything with an id of its own implements; each type stands in the table of `node-query.ts`. */
export const NodeRef = builder.interfaceRef<{ readonly id: string }>('Node').implement({
  description: 'A thing with an id that nothing else in the API has; `node` finds it.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'Stable.' }) }),
})
