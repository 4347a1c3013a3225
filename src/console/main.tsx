import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from '#console/app.tsx'
import '#console/style/index.css'

/** After an upgrade a page that is still open asks for files that are gone: it is loaded again, once. */
window.addEventListener('vite:preloadError', (event) => {
  const key = 'signalbox.reloaded'
  const at = Number(sessionStorage.getItem(key) ?? 0)
  if (Date.now() - at < 60_000) return
  sessionStorage.setItem(key, String(Date.now()))
  event.preventDefault()
  location.reload()
})

const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  )
