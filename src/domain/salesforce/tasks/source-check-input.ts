import { z } from 'zod'
import { repositoryField } from './type-options.ts'

export const input = z.strictObject({ repository: repositoryField })
export type SourceCheckInput = z.output<typeof input>
