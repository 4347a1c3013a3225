import { Route, Switch } from 'wouter'
import { Browse } from './browse.tsx'
import { DocumentPage } from './document-page.tsx'
import { EditPage } from './edit-page.tsx'
import { splitPath } from './paths.ts'

/** Collections with their documents, and each document with its versions. */
export default function Documents() {
  return (
    <Switch>
      <Route path="/documents">
        <Browse />
      </Route>
      <Route path="/documents/new">
        <EditPage isNew />
      </Route>
      <Route path="/documents/edit/*">{(params) => <EditPage {...splitPath(params['*'])} />}</Route>
      <Route path="/documents/at/*">{(params) => <DocumentPage key={params['*']} {...splitPath(params['*'])} />}</Route>
    </Switch>
  )
}
