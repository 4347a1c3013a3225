import { connectionOf } from '#schema/pagination.ts'
import { TaskRef } from './task.ts'

export const TaskConnection = connectionOf('Task', TaskRef)
