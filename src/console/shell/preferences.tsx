import { useEffect } from 'react'
import { useStored } from '#console/lib/stored.ts'
import { timeZones, useTimeZone } from '#console/ui/time.tsx'

const themes = ['system', 'light', 'dark'] as const
const themeNames = { system: 'System', light: 'Light', dark: 'Dark' } as const
const zoneNames = { relative: 'Relative', local: 'Local', UTC: 'UTC' } as const

/** How this browser shows the console. */
export function Preferences() {
  const [theme, setTheme] = useStored('theme', themes, 'system')
  const [zone, setZone] = useTimeZone()
  useEffect(() => {
    if (theme === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme
  }, [theme])
  return (
    <div className="row">
      <select aria-label="Theme" value={theme} onChange={(event) => setTheme(event.target.value as typeof theme)}>
        {themes.map((name) => (
          <option key={name} value={name}>
            Theme: {themeNames[name]}
          </option>
        ))}
      </select>
      <select aria-label="Times" value={zone} onChange={(event) => setZone(event.target.value as typeof zone)}>
        {timeZones.map((name) => (
          <option key={name} value={name}>
            Times: {zoneNames[name]}
          </option>
        ))}
      </select>
    </div>
  )
}
