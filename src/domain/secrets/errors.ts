import { AppError } from '#lib/errors.ts'

export class SecretNotFound extends AppError {
  readonly code = 'NOT_FOUND'
  constructor(name: string) {
    super(`There is no secret "${name}".`)
  }
}
