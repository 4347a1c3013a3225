import { useState } from 'react'
import { Link, Route, Switch } from 'wouter'
import { ForceReleaseLockDocument, type LockDetailsQuery, type LockSummaryFragment } from '#client/browser.ts'
import { useLock, useLocks, useMutation } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { ApiHelp, shellText } from '#console/ui/api-help.tsx'
import { ScopedButton } from '#console/ui/button.tsx'
import { Confirm } from '#console/ui/dialog.tsx'
import { Facts } from '#console/ui/facts.tsx'
import { type Column, ListTable } from '#console/ui/list-table.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { Empty, ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { PrefixSearch } from '#console/ui/prefix-search.tsx'
import { Time } from '#console/ui/time.tsx'

/** The locks that are held, and each with those who wait for it. */
export default function Locks() {
  return (
    <Switch>
      <Route path="/locks">
        <LockList />
      </Route>
      <Route path="/locks/*">{(params) => <LockPage key={params['*']} name={decode(params['*'])} />}</Route>
    </Switch>
  )
}

function hrefOf(name: string): string {
  return `/locks/${name.split('/').map(encodeURIComponent).join('/')}`
}

function decode(path: string | undefined): string {
  try {
    return decodeURIComponent(path ?? '')
  } catch {
    return path ?? ''
  }
}

const columns: readonly Column<LockSummaryFragment>[] = [
  { title: 'Lock', cell: ({ name }) => <Link href={hrefOf(name)}>{name}</Link> },
  { title: 'Held by', cell: ({ holder }) => holder.name },
  { title: 'Fence', isNumber: true, isWide: true, cell: ({ fence }) => fence },
  { title: 'Since', isWide: true, cell: ({ acquiredAt }) => <Time at={acquiredAt} /> },
  { title: 'Expires', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
]

function LockList() {
  const prefix = useParams().get('prefix')
  const list = useLocks({ prefix })
  return (
    <Page title="Locks">
      <PrefixSearch label="Names that begin with" />
      <Card title="Held locks" flush>
        <ListTable
          label="Locks"
          columns={columns}
          rows={list.nodes}
          idOf={({ name }) => name}
          list={list}
          empty={
            <Empty title="No lock is held.">
              <p>
                Programs take one with acquireLock, or <code>signalbox lock acquire deploy/prod -- ./deploy.sh</code>
              </p>
            </Empty>
          }
        />
      </Card>
      <ApiHelp
        graphql={`query {\n  locks(prefix: ${JSON.stringify(prefix)}, first: 50) { nodes { name holder { name } fence expiresAt } }\n}`}
        rest={{ method: 'GET', path: '/api/locks' }}
        cli={`signalbox lock list ${shellText(prefix)}`}
      />
    </Page>
  )
}

function LockPage({ name }: { readonly name: string }) {
  const { data: lock, isLoading, error } = useLock(name)
  const [isForcing, setForcing] = useState(false)
  if (isLoading) return <Loading />
  return (
    <Page
      title={name}
      crumbs={[{ title: 'Locks', href: '/locks' }]}
      actions={
        lock && (
          <ScopedButton scope="access:admin" danger onClick={() => setForcing(true)}>
            Force release
          </ScopedButton>
        )
      }
    >
      <ErrorNote error={error} />
      {lock == null ? (
        <p className="note">Nobody holds this lock.</p>
      ) : (
        <div className="halves">
          <Card title="Holder">
            <Facts
              facts={[
                ['Held by', `${lock.holder.name} (${lock.holder.kind})`],
                ['Fence', lock.fence],
                ['Since', <Time key="since" at={lock.acquiredAt} />],
                ['Expires', <Time key="expires" at={lock.expiresAt} />],
              ]}
            />
          </Card>
          <Queue queue={lock.queue} />
        </div>
      )}
      {isForcing && <ForceDialog name={name} onClose={() => setForcing(false)} />}
    </Page>
  )
}

function Queue({ queue }: Pick<NonNullable<LockDetailsQuery['lock']>, 'queue'>) {
  return (
    <Card title={`Queue (${queue.length})`}>
      {queue.length === 0 && <p className="soft">Nobody waits for it.</p>}
      <ol className="timeline">
        {queue.map(({ actor, queuedAt, until }, index) => (
          <li key={`${actor.name} ${queuedAt}`}>
            <strong>
              {index + 1}. {actor.name}
            </strong>
            <div className="small soft">
              since <Time at={queuedAt} />, until <Time at={until} />
            </div>
          </li>
        ))}
      </ol>
    </Card>
  )
}

function ForceDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const { run, isRunning, error } = useMutation(ForceReleaseLockDocument)
  const [withQueue, setWithQueue] = useState(false)
  async function force() {
    if ((await run({ input: { name, queue: withQueue } })) !== undefined) onClose()
  }
  return (
    <Confirm
      title={`Release ${name} for its holder?`}
      action="Release lock"
      danger
      isBusy={isRunning}
      onConfirm={() => void force()}
      onClose={onClose}
    >
      <ErrorNote error={error} />
      <p>The holder is not stopped: what it writes with its fence from now on is refused.</p>
      <label className="check">
        <input type="checkbox" checked={withQueue} onChange={() => setWithQueue(!withQueue)} />
        Also dismiss those who wait
      </label>
    </Confirm>
  )
}
