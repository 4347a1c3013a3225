import { type FormEvent, useState } from 'react'
import { useLocation } from 'wouter'
import { PutDocumentDocument } from '#client/browser.ts'
import { useDocument, useMutation } from '#client/react/index.ts'
import { useParams } from '#console/lib/search-params.ts'
import { Button } from '#console/ui/button.tsx'
import { Diff } from '#console/ui/diff.tsx'
import { Field } from '#console/ui/field.tsx'
import { JsonField, parseJson } from '#console/ui/json-field.tsx'
import { Loading } from '#console/ui/loading.tsx'
import { ErrorNote } from '#console/ui/notes.tsx'
import { Card, Page } from '#console/ui/page.tsx'
import { documentHref } from './paths.ts'

export interface EditPageProps {
  readonly isNew?: boolean
  readonly collection?: string
  readonly documentKey?: string
}

/** Writes a document, if nobody else has written it meanwhile. */
export function EditPage({ isNew = false, collection = '', documentKey = '' }: EditPageProps) {
  const { data, isLoading, error } = useDocument(collection, documentKey, { skip: isNew })
  // What the edit began with: later versions are conflicts, and never replace what was typed.
  const [began, setBegan] = useState<{ version: number; data: unknown } | undefined>()
  if (!isNew && data != null && began === undefined) setBegan({ version: data.version, data: data.data })
  if (!isNew && isLoading) return <Loading />
  const title = isNew ? 'New document' : `Edit ${documentKey}`
  return (
    <Page title={title} crumbs={[{ title: 'Documents', href: '/documents' }]}>
      <ErrorNote error={error} />
      {!isNew && data == null && <p className="note">There is no such document, or you may not see it.</p>}
      {isNew && <Editor isNew current={undefined} began={undefined} />}
      {began !== undefined && data != null && (
        <Editor {...{ collection, documentKey, began }} current={{ version: data.version, data: data.data }} />
      )}
    </Page>
  )
}

interface Version {
  readonly version: number
  readonly data: unknown
}

interface EditorProps extends EditPageProps {
  readonly began: Version | undefined
  readonly current: Version | undefined
}

function Editor({ isNew = false, collection = '', documentKey = '', began, current }: EditorProps) {
  const params = useParams()
  const [, navigate] = useLocation()
  const [target, setTarget] = useState({ collection: isNew ? params.get('in') : collection, key: documentKey })
  const [text, setText] = useState(() => JSON.stringify(began?.data ?? {}, null, 2))
  const [base, setBase] = useState(began?.version ?? 0)
  const { run, isRunning, error } = useMutation(PutDocumentDocument)
  const value = parseJson(text)
  const isConflict = current !== undefined && current.version !== base

  async function save(event: FormEvent) {
    event.preventDefault()
    if (value === undefined) return
    const input = { ...target, collection: target.collection || 'default', data: value.value, expectedVersion: base }
    const saved = await run({ input })
    if (saved !== undefined) navigate(documentHref(input.collection, input.key))
  }

  return (
    <form className="stack" onSubmit={(event) => void save(event)}>
      {isConflict && (
        <section className="note warn stack" aria-label="Conflict">
          <p role="alert">
            Somebody has written version {current.version} while you edited version {base}. Your text is as you typed
            it; this is how it differs from theirs:
          </p>
          <Diff from={current.data} to={value?.value ?? null} />
          <div className="row">
            <Button onClick={() => setText(JSON.stringify(current.data, null, 2))}>Take their text</Button>
            <Button onClick={() => setBase(current.version)}>Save mine over version {current.version}</Button>
          </div>
        </section>
      )}
      {error && !(isConflict && error.code === 'VERSION_CONFLICT') && <ErrorNote error={error} />}
      <Card title={isNew ? 'Document' : `${collection}/${documentKey}, version ${base}`}>
        {isNew && (
          <div className="halves">
            <Field label="Collection" hint="Such as releases/prod; empty: default.">
              {(id) => (
                <input
                  id={id}
                  value={target.collection}
                  onChange={(event) => setTarget({ ...target, collection: event.target.value })}
                />
              )}
            </Field>
            <Field label="Key">
              {(id) => (
                <input
                  id={id}
                  required
                  value={target.key}
                  onChange={(event) => setTarget({ ...target, key: event.target.value })}
                />
              )}
            </Field>
          </div>
        )}
        <JsonField label="Data" text={text} onChange={setText} />
        {began !== undefined && value !== undefined && (
          <details>
            <summary>What changes</summary>
            <Diff from={began.data} to={value.value} />
          </details>
        )}
      </Card>
      <div className="row">
        <Button primary isBusy={isRunning} disabled={value === undefined || isConflict}>
          Save
        </Button>
      </div>
    </form>
  )
}
