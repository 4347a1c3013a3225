import { Link } from 'wouter'
import { basePath, serverUrl } from '#console/lib/base-path.ts'
import { useMay, useSession } from '#console/session/session-context.ts'
import { Code } from '#console/ui/copy.tsx'
import { Card } from '#console/ui/page.tsx'

/** What to do on a server that nobody has used yet. */
export function FirstSteps() {
  const { instance } = useSession()
  const maySubmit = useMay('tasks:write')
  const command = [
    `export SIGNALBOX_URL=${serverUrl} SIGNALBOX_TOKEN=<your token>`,
    'npm run -s signalbox -- task submit probe --set durationMs=5000 --watch',
  ].join('\n')
  return (
    <Card title="First steps">
      <ol className="steps">
        {maySubmit && (
          <li>
            <strong>Run a task.</strong> <Link href="/submit?type=probe">Submit a probe</Link>, which does nothing for
            as long as you say, and watch it here.
          </li>
        )}
        <li className="stack">
          <span>
            <strong>Do the same from a shell</strong>, in the folder of the program:
          </span>
          <Code text={command} label="Commands" />
        </li>
        <li>
          <strong>Read on</strong> in the <a href={`${basePath}/docs`}>documentation of this version</a>
          {instance.graphiql && (
            <>
              , try <a href={`${basePath}/graphql`}>queries and subscriptions</a>
            </>
          )}{' '}
          or the <a href={`${basePath}/api/docs`}>REST API</a>.
        </li>
      </ol>
    </Card>
  )
}
