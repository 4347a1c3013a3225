import {
  EnvironmentExists,
  EnvironmentHeld,
  EnvironmentNotFound,
  NoSuchEnvironment,
} from '#domain/environments/errors.ts'
import { failureType } from '#schema/failures.ts'

failureType(EnvironmentNotFound, 'EnvironmentNotFound', 'The account has no such environment.')
failureType(EnvironmentExists, 'EnvironmentExists', 'The repository has an environment of that name.')
failureType(NoSuchEnvironment, 'NoSuchEnvironment', 'No active environment is as asked for, whether free or not.')
failureType(EnvironmentHeld, 'EnvironmentHeld', 'All environments that would do are held.')
