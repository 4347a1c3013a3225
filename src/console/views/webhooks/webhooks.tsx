import { Route, Switch } from 'wouter'
import { DeliveryPage } from './delivery-page.tsx'
import { WebhookList } from './webhook-list.tsx'
import { WebhookPage } from './webhook-page.tsx'

/** Registered endpoints, what was delivered to them, and each delivery with its attempts. */
export default function Webhooks() {
  return (
    <Switch>
      <Route path="/webhooks">
        <WebhookList />
      </Route>
      <Route path="/webhooks/deliveries/:id">{({ id }) => <DeliveryPage key={id} id={id} />}</Route>
      <Route path="/webhooks/:id">{({ id }) => <WebhookPage key={id} id={id} />}</Route>
    </Switch>
  )
}
