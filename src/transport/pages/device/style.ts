/** Stands in each page, with its hash in the policy. */
export const style = `
:root { color-scheme: light dark; --ink: light-dark(#1b2430, #e6eaf0); --soft: light-dark(#566273, #a3afbf);
  --paper: light-dark(#fff, #1b2129); --ground: light-dark(#eef1f5, #11151a); --line: light-dark(#d3dae3, #333d49);
  --accent: light-dark(#1d4f91, #8ab8ff); --on-accent: light-dark(#fff, #0e1a2b);
  --alarm: light-dark(#a11d2b, #ff9aa2); --alarm-ground: light-dark(#fdecee, #3a1a1e);
  --good: light-dark(#17695b, #6fd3bf) }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: start center; padding: clamp(1rem, 8vh, 5rem) 1rem;
  font: 1rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--ground) }
main { width: 100%; max-width: 27rem; padding: clamp(1.25rem, 5vw, 2.25rem); border: 1px solid var(--line);
  border-radius: 0.9rem; background: var(--paper) }
.brand { display: flex; align-items: center; gap: 0.6rem; margin: 0 0 1.5rem; font-weight: 600; color: var(--soft) }
.brand img { width: 1.75rem; height: 1.75rem }
h1 { margin: 0 0 0.5rem; font-size: 1.5rem; line-height: 1.25 }
p { margin: 0 0 1rem }
.soft, small { color: var(--soft); font-size: 0.9rem }
label { display: block; margin: 0 0 0.3rem; font-weight: 600 }
input { display: block; width: 100%; margin: 0 0 1rem; padding: 0.65rem 0.8rem; border: 1px solid var(--soft);
  border-radius: 0.5rem; font: inherit; color: inherit; background: var(--paper) }
input.code { font: 600 1.3rem/1.3 ui-monospace, monospace; letter-spacing: 0.12em; text-transform: uppercase; text-align: center }
input[aria-invalid] { border-color: var(--alarm); border-width: 2px }
button, .button { display: block; width: 100%; margin: 0; padding: 0.7rem 1rem; border: 1px solid var(--accent); border-radius: 0.5rem;
  font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; color: var(--on-accent); background: var(--accent) }
button.second, .button.second { color: var(--accent); background: transparent }
button.link { display: inline; width: auto; padding: 0; border: 0; color: var(--accent); background: none;
  font-size: inherit; font-weight: inherit; text-decoration: underline }
button:hover, .button:hover { filter: brightness(1.1) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.error { margin: 0 0 1.25rem; padding: 0.7rem 0.9rem; border-left: 4px solid var(--alarm); border-radius: 0.3rem;
  color: var(--alarm); background: var(--alarm-ground) }
.code-shown { margin: 1rem 0; padding: 0.6rem; border-radius: 0.5rem; text-align: center; background: var(--ground);
  font: 600 1.7rem/1.3 ui-monospace, monospace; letter-spacing: 0.12em }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.4rem 1rem; margin: 0 0 1.25rem }
dt { color: var(--soft) }
dd { margin: 0; overflow-wrap: anywhere }
code { font: 0.9em ui-monospace, monospace }
.scopes { margin: 0; padding: 0; list-style: none }
.choice { display: grid; grid-template-columns: 1fr 1fr; gap: 0.75rem; margin: 0 0 1.25rem }
.or { display: flex; align-items: center; gap: 0.75rem; margin: 1rem 0; color: var(--soft) }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line) }
.good { color: var(--good) }
form.soft { margin-top: 1.25rem }
form:last-child, p:last-child { margin-bottom: 0 }
@media (max-width: 24rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: 0.6rem } .choice { grid-template-columns: 1fr } }
`
