import { useSyncExternalStore } from 'react'
import { useStored } from '#console/lib/stored.ts'

export const timeZones = ['relative', 'local', 'UTC'] as const

/** How moments are shown, everywhere. */
export function useTimeZone() {
  return useStored('time', timeZones, 'relative')
}

/** A moment in the form that the person has chosen; all of them stand in its title. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  const [zone] = useTimeZone()
  const now = useNow(zone === 'relative')
  if (at == null) return <span className="soft">–</span>
  const moment = new Date(at)
  return (
    <time dateTime={moment.toISOString()} title={`${local(moment)}\n${utc(moment)}`} className="nowrap">
      {zone === 'relative' ? relative(moment, now) : zone === 'UTC' ? utc(moment) : local(moment)}
    </time>
  )
}

/** A stretch of time, in the largest units that say enough. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const s = ms / 1_000
  if (s < 60) return `${s.toFixed(1)} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`
}

function utc(moment: Date): string {
  return `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

const localForm = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
})

function local(moment: Date): string {
  return localForm.format(moment)
}

const relativeForm = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'short' })
const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

function relative(moment: Date, now: number): string {
  const seconds = (moment.getTime() - now) / 1_000
  for (const [unit, size] of units)
    if (Math.abs(seconds) >= size) return relativeForm.format(Math.trunc(seconds / size), unit)
  return Math.abs(seconds) < 5 ? 'now' : relativeForm.format(Math.trunc(seconds), 'second')
}

const tickMs = 5_000
const listeners = new Set<() => void>()
let now = Date.now()
let timer: ReturnType<typeof setInterval> | undefined

/** The time as of some seconds ago, one clock for the whole page. */
function useNow(isTicking: boolean): number {
  return useSyncExternalStore(isTicking ? subscribe : never, () => now)
}

function never(): () => void {
  return () => {}
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  now = Date.now()
  timer ??= setInterval(() => {
    now = Date.now()
    for (const one of listeners) one()
  }, tickMs)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}
