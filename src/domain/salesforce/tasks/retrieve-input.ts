import { z } from 'zod'
import { orgField } from './type-options.ts'

const name = z.string().min(1).max(255)

export const input = z
  .strictObject({
    org: orgField,
    types: z
      .record(name, z.array(name).min(1).max(10_000))
      .default({})
      .describe('What is retrieved: names by metadata type, such as `{ "ApexClass": ["*"] }`.'),
    manifest: z.string().max(1_000_000).optional().describe('The same as the text of a package.xml.'),
    packages: z.array(name).max(100).default([]).describe('Names of packages in the org that are retrieved.'),
  })
  .refine(
    ({ types, manifest, packages }) => Object.keys(types).length > 0 || manifest !== undefined || packages.length > 0,
    'needs one of types, manifest and packages',
  )
  .refine(({ types, manifest }) => manifest === undefined || Object.keys(types).length === 0, {
    error: 'can’t be given beside types',
    path: ['manifest'],
  })
export type RetrieveInput = z.output<typeof input>
