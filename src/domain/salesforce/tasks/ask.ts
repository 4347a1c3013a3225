import { PermanentFailure, type ServerTaskContext, TaskFailure } from '#domain/tasks/task-type.ts'
import type { OrgReplies, OrgReply, OrgRequest } from './org-requests.ts'

/** Asks the server's process. @throws {TaskFailure} when it refuses */
export async function ask<Kind extends OrgRequest['kind']>(
  context: Pick<ServerTaskContext, 'request'>,
  request: Extract<OrgRequest, { kind: Kind }>,
): Promise<OrgReplies[Kind]> {
  const reply = (await context.request(request)) as OrgReply
  if (reply.kind === 'answer') return reply.answer as OrgReplies[Kind]
  throw reply.mayPass ? new TaskFailure(reply.message, reply.code) : new PermanentFailure(reply.message, reply.code)
}
