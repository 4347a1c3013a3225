import { z } from 'zod'
import { repositoryField } from './type-options.ts'

/** Where a package comes from: one of these. */
export const packageFields = {
  part: z
    .strictObject({
      taskId: z.uuid().describe('The task that has the part.'),
      name: z.string().min(1).max(200).default('package.zip').describe('The part’s name.'),
      taskType: z
        .string()
        .min(1)
        .max(64)
        .default('salesforce.retrieve')
        .describe('The type of that task, which the caller must be allowed to read.'),
    })
    .optional()
    .describe('A zip file that is a part of another task.'),
  zipBase64: z.base64().max(1_048_576).optional().describe('A small zip file.'),
  repository: repositoryField.optional(),
}

interface PackageSource {
  readonly part?: { readonly taskType: string } | undefined
  readonly zipBase64?: string | undefined
  readonly repository?: object | undefined
}

/** How many sources an input names. */
export function sourceCount({ part, zipBase64, repository }: PackageSource): number {
  return [part, zipBase64, repository].filter((source) => source !== undefined).length
}

export type PackageInput = z.output<z.ZodObject<typeof packageFields>>
