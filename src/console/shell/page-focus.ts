let isWanted = false

/** After a link the new page begins at its top, for the eye and for the keyboard; it may still have to be loaded. */
export function focusNewPage(): void {
  window.scrollTo(0, 0)
  const main = document.getElementById('main')
  // The page before stays, hidden, while the next one is loaded.
  isWanted = main === null || !main.checkVisibility()
  if (!isWanted) main?.focus({ preventScroll: true })
}

/** Whether the page that is shown now should have the focus; says so once. */
export function takePageFocus(): boolean {
  const was = isWanted
  isWanted = false
  return was
}
