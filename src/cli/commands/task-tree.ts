import type { Command } from 'commander'
import { found } from '#cli/found.ts'
import { readCount } from '#cli/options.ts'
import type { Output } from '#cli/output.ts'
import { type Api, examples, type Session } from '#cli/session.ts'
import { runTime, statusStyles } from '#cli/task-text.ts'
import { printable } from '#cli/text.ts'
import {
  type SignalboxClient,
  TaskChildrenDocument,
  TaskTreeDocument,
  type TaskTreeItemFragment,
} from '#client/index.ts'

interface TreeNode {
  readonly task: TaskTreeItemFragment
  readonly children: TreeNode[]
  /** Some of its children are not shown. */
  isCut: boolean
}

const pageSize = 100

export function addTaskTreeCommand(parent: Command, session: Session): void {
  const command = parent
    .command('tree <id>')
    .summary('a task with its children, and theirs')
    .description('Shows a task, its children, their children, and what each of them waits for.')
    .option('--first <count>', 'how many tasks', readCount, 500)
    .addHelpText('after', () => examples(`${session.invocation} task tree 0197e2c4-…`))
  session.api(command, showTree)
}

async function showTree({ client, output, json }: Api, { first }: { first: number }, id: string): Promise<void> {
  const task = found((await client.request(TaskTreeDocument, { id })).task, `task ${id}`)
  const root: TreeNode = { task, children: [], isCut: false }
  await readChildren(client, root, first - 1)
  if (json) return output.document(toDocument(root))
  output.line(textOf(output, root))
  printChildren(output, root, '')
}

/** Reads the descendants, level by level, at most `left` of them. */
async function readChildren(client: SignalboxClient, root: TreeNode, left: number): Promise<void> {
  let room = left
  const parents = [root]
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    let after: string | null = null
    let isMore = parent.task.children.nodes.length > 0
    while (isMore && room > 0) {
      const { id } = parent.task
      const data: { task: Children } = await client.request(TaskChildrenDocument, {
        id,
        first: Math.min(pageSize, room),
        after,
      })
      const { nodes, pageInfo } = found(data.task, `task ${id}`).children
      for (const task of nodes) parent.children.push({ task, children: [], isCut: false })
      room -= nodes.length
      after = pageInfo.endCursor
      isMore = pageInfo.hasNextPage
    }
    parent.isCut = isMore
    parents.push(...parent.children)
  }
}

type Children = {
  readonly children: {
    readonly nodes: readonly TaskTreeItemFragment[]
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null }
  }
} | null

function toDocument({ task, children, isCut }: TreeNode): object {
  return { ...task, children: children.map(toDocument), isCut }
}

function printChildren(output: Output, { children, isCut }: TreeNode, indent: string): void {
  for (const [index, child] of children.entries()) {
    const isLast = index === children.length - 1 && !isCut
    output.line(`${indent}${isLast ? '└─ ' : '├─ '}${textOf(output, child)}`)
    printChildren(output, child, `${indent}${isLast ? '   ' : '│  '}`)
  }
  if (isCut) output.line(`${indent}└─ … more; --first shows them`)
}

function textOf(output: Output, { task }: TreeNode): string {
  const { id, type, status, progress, currentStep, dependsOn } = task
  const open = dependsOn.filter((dependency) => dependency.status === null).map(({ taskId }) => taskId)
  const state = status === 'ACTIVE' ? printable(`${progress} % ${currentStep ?? ''}`).trim() : runTime(task)
  return [
    id,
    printable(type),
    output.styled(statusStyles[status], status),
    state,
    status === 'PENDING' && open.length > 0 ? `after ${open.join(', ')}` : undefined,
  ]
    .filter((text) => text !== undefined)
    .join('  ')
}
