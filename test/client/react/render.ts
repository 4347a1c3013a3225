import { setImmediate } from 'node:timers/promises'
import { Window } from 'happy-dom'
import { createElement, type ReactNode, StrictMode } from 'react'
import { onTestFinished } from 'vitest'
import type { SignalboxClient } from '#client/client.ts'
import { SignalboxProvider } from '#client/react/index.ts'
import { until } from '#test/support/until.ts'

/** What a hook has returned, render by render. */
export interface Rendered<Value> {
  /** The latest. */
  readonly current: Value
  /** How often the component was rendered. */
  readonly renders: number
  /** Waits until the latest is as expected. */
  until(check: (value: Value) => boolean): Promise<Value>
  unmount(): void
}

const globals = ['window', 'document', 'requestAnimationFrame'] as const

const frameMs = 16
/** A server may have to start meanwhile. */
const patienceMs = 45_000

/** Gives this process a page for as long as a test file runs; other files of the process must not find it. */
export function openPage(): { close(): Promise<void> } {
  const window = new Window()
  const before = globals.map((name) => Object.getOwnPropertyDescriptor(globalThis, name))
  const values = {
    window,
    document: window.document,
    requestAnimationFrame: (run: () => void) => setTimeout(run, frameMs),
  }
  for (const name of globals) Object.defineProperty(globalThis, name, { value: values[name], configurable: true })
  return {
    async close() {
      // React's last work, and the last frame.
      for (let turn = 0; turn < 3; turn += 1) await setImmediate()
      await new Promise((resolve) => setTimeout(resolve, frameMs))
      for (const [index, name] of globals.entries()) {
        const descriptor = before[index]
        if (descriptor === undefined) Reflect.deleteProperty(globalThis, name)
        else Object.defineProperty(globalThis, name, descriptor)
      }
      await window.happyDOM.close()
    },
  }
}

function Probe({ use }: { readonly use: () => void }): ReactNode {
  use()
  return null
}

/** Renders a component that is nothing but a hook, twice as React's strict mode does. */
export async function renderHook<Value>(client: SignalboxClient, hook: () => Value): Promise<Rendered<Value>> {
  // It looks for the page when it is loaded.
  const { createRoot } = await import('react-dom/client')
  const values: Value[] = []
  let renders = 0
  const use = () => {
    renders += 1
    values[0] = hook()
  }
  const root = createRoot(document.createElement('div'))
  root.render(
    createElement(StrictMode, null, createElement(SignalboxProvider, { client }, createElement(Probe, { use }))),
  )
  const rendered = {
    get current() {
      return values[0] as Value
    },
    get renders() {
      return renders
    },
    async until(check: (value: Value) => boolean) {
      await until(async () => values.length > 0 && check(values[0] as Value), patienceMs)
      return values[0] as Value
    },
    unmount: () => root.unmount(),
  }
  onTestFinished(() => root.unmount())
  await rendered.until(() => true)
  return rendered
}
