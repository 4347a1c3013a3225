import { Route, Switch } from 'wouter'
import { TaskList } from './task-list.tsx'
import { TaskPage } from './task-page.tsx'

/** All tasks, and each one on a page of its own. */
export default function Tasks() {
  return (
    <Switch>
      <Route path="/tasks">
        <TaskList />
      </Route>
      <Route path="/tasks/:id">{({ id }) => <TaskPage key={id} id={id} />}</Route>
    </Switch>
  )
}
