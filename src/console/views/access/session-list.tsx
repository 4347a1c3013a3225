import {
  EndSessionDocument,
  EndSessionsDocument,
  type SessionSummaryFragment,
  SessionsDocument,
} from '#client/browser.ts'
import { useList, useMutation } from '#client/react/index.ts'
import { useSession } from '#console/session/session-context.ts'
import { Button } from '#console/ui/button.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card } from '#console/ui/page.tsx'
import { Time } from '#console/ui/time.tsx'

/** Sign-ins of people: one's own, or everyone's for a token that manages them. */
export function SessionList() {
  const { session } = useSession()
  const list = useList('sessions', {
    document: SessionsDocument,
    variables: { first: 50 },
    select: ({ sessions }) => sessions,
    idOf: ({ id }) => id,
    follow: undefined,
  })
  const end = useMutation(EndSessionDocument)
  const endOthers = useMutation(EndSessionsDocument)
  const columns: readonly Column<SessionSummaryFragment>[] = [
    {
      title: 'Person',
      cell: ({ user, isCurrent }) => (
        <>
          {user.email} {isCurrent && <span className="tag">this browser</span>}
        </>
      ),
    },
    { title: 'Program', isWide: true, cell: ({ userAgent }) => <span className="cut">{userAgent ?? '–'}</span> },
    { title: 'From', isWide: true, cell: ({ address }) => address },
    { title: 'Last used', cell: ({ lastUsedAt }) => <Time at={lastUsedAt} /> },
    {
      title: 'Actions',
      cell: ({ id, isCurrent }) =>
        !isCurrent && (
          <Button small danger onClick={() => void end.run({ id }).then(list.refresh)}>
            End
          </Button>
        ),
    },
  ]
  return (
    <Card
      title="Sessions"
      flush
      actions={
        session.kind === 'user' && (
          <Button
            small
            isBusy={endOthers.isRunning}
            onClick={() => void endOthers.run({ input: { keepCurrent: true } }).then(list.refresh)}
          >
            End all others
          </Button>
        )
      }
    >
      {(end.error ?? endOthers.error) && (
        <div className="body">
          <ErrorNote error={end.error ?? endOthers.error} />
        </div>
      )}
      <ListTable
        label="Sessions"
        columns={columns}
        rows={list.nodes}
        idOf={({ id }) => id}
        list={list}
        empty={<Empty title="Nobody is signed in as a person." />}
      />
    </Card>
  )
}
