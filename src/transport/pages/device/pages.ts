import { html, raw } from 'hono/html'
import { icon } from '#transport/pages/icon.ts'
import { inlineStyle, pageHeaders } from '#transport/pages/page.ts'
import { style } from './style.ts'

export const devicePageHeaders = {
  ...pageHeaders([inlineStyle(style), 'img-src data:'], "form-action 'self'"),
  // It shows who is signed in, and where from.
  'cache-control': 'no-store',
}

type Html = ReturnType<typeof html>

/** What the pages have in common. */
interface PageFacts {
  /** What each form carries to be known as ours. */
  readonly formToken: string
  /** What went wrong with the form before. */
  readonly error?: string | undefined
}

export interface SignInFacts extends PageFacts {
  /** As it was typed. */
  readonly email?: string | undefined
  /** Which account is meant, as it was typed; undefined: nobody has to say. */
  readonly account?: string | undefined
  /** What is to be decided about afterwards. */
  readonly userCode: string
  /** Where to go to sign in at the identity provider; undefined without one. */
  readonly providerUrl: string | undefined
}

/** Asks who is there. */
export function signInPage({ formToken, error, email = '', account, userCode, providerUrl }: SignInFacts): Html {
  const isWrong = error === undefined ? '' : raw(' aria-invalid="true" aria-describedby="error"')
  return page(
    'Sign in',
    html`<h1>Sign in</h1>
<p>${userCode === '' ? 'Sign in first; then enter the code that your device shows.' : 'A device is waiting to be signed in. Sign in first.'}</p>
${alertOf(error)}
${
  providerUrl === undefined
    ? ''
    : html`<a class="button" href="${providerUrl}">Sign in at your identity provider</a>
<p class="or">or by password</p>`
}
<form method="post">
${hidden(formToken, userCode)}
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" maxlength="254" required value="${email}"${isWrong}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="512" required${isWrong}>
${
  account === undefined
    ? ''
    : html`<label for="account">Account, by name or id</label>
<input id="account" name="account" autocomplete="off" maxlength="200" value="${account}">`
}
<button class="${providerUrl === undefined ? 'first' : 'second'}" name="do" value="sign-in">Sign in</button>
</form>`,
  )
}

export interface SignedInFacts extends PageFacts {
  /** Who is signed in on the page. */
  readonly who: string
}

/** Asks which device. */
export function codePage({ formToken, error, who, userCode = '' }: SignedInFacts & { userCode?: string }): Html {
  const isWrong = error === undefined ? '' : raw(' aria-invalid="true" aria-describedby="error"')
  return page(
    'Sign in a device',
    html`<h1>Sign in a device</h1>
<p>Enter the code shown by the device.</p>
${alertOf(error)}
<form method="get">
<label for="user_code">Code</label>
<input class="code" id="user_code" name="user_code" placeholder="XXXX-XXXX" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" required value="${userCode}"${isWrong}>
<button>Continue</button>
</form>
${signedInAs(who, formToken)}`,
  )
}

/** What asks, for a person to decide. */
export interface RequestFacts extends SignedInFacts {
  readonly userCode: string
  readonly role: string
  readonly device: {
    readonly clientName: string
    readonly scopes: readonly string[]
    readonly address: string
    readonly userAgent: string | null
    readonly expiresAt: Date
  }
}

export function requestPage({ formToken, error, who, role, userCode, device }: RequestFacts): Html {
  const { clientName, scopes, address, userAgent, expiresAt } = device
  return page(
    'Sign in this device?',
    html`<h1>Sign in this device?</h1>
<p>It asks to act as you. Does it show this code?</p>
<p class="code-shown">${asShown(userCode)}</p>
${alertOf(error)}
<dl>
<dt>Calls itself</dt><dd>${clientName}</dd>
<dt>Asks from</dt><dd>${address}</dd>
${userAgent === null ? '' : html`<dt>Program</dt><dd>${userAgent}</dd>`}
<dt>Wants to do</dt><dd>${wanted(scopes, role)}</dd>
<dt>Waits until</dt><dd>${expiresAt.toISOString().slice(11, 16)} UTC</dd>
</dl>
<form method="post">
${hidden(formToken, userCode)}
<div class="choice">
<button name="do" value="approve">Approve</button>
<button class="second" name="do" value="deny">Refuse</button>
</div>
</form>
<p class="soft">Approve only a sign-in that you have just started yourself. Someone who sends you a code wants to act as you.</p>
${signedInAs(who, formToken)}`,
  )
}

/** Says what was decided. */
export function decidedPage(decision: 'approve' | 'deny', clientName: string): Html {
  return decision === 'approve'
    ? page(
        'Signed in',
        html`<h1 class="good">The device is signed in</h1>
<p>${clientName} goes on by itself within a few seconds. You can close this page; nobody stays signed in on it.</p>
<p class="soft">To end the session later: <code>signalbox logout</code> there, or <code>signalbox session end</code> from anywhere.</p>`,
      )
    : page(
        'Refused',
        html`<h1>The device was refused</h1>
<<p>${clientName} was refused and has no access. If you didn’t start this sign-in, there is nothing more to do.</p>`,
      )
}

/** Says why there is nothing to be seen. */
export function failurePage(message: string): Html {
  return page(
    'Not now',
    html`<h1>That did not work</h1>
${alertOf(message)}
<form method="get"><button class="second">Begin again</button></form>`,
  )
}

/** As the device shows it, however it was typed. */
function asShown(userCode: string): string {
  return userCode
    .toUpperCase()
    .replaceAll(/[^A-Z]/g, '')
    .replace(/^.{4}/, '$&-')
}

function wanted(scopes: readonly string[], role: string): Html {
  if (scopes.length === 0) return html`everything that you may as ${role === 'OWNER' ? 'an owner' : 'a member'}`
  return html`<ul class="scopes">${scopes.map((scope) => html`<li><code>${scope}</code></li>`)}</ul>`
}

function signedInAs(who: string, formToken: string): Html {
  return html`<form method="post" class="soft">
${hidden(formToken, '')}
You are ${who}. <button class="link" name="do" value="sign-out">Somebody else?</button>
</form>`
}

function hidden(formToken: string, userCode: string): Html {
  return html`<input type="hidden" name="form_token" value="${formToken}">
<input type="hidden" name="user_code" value="${userCode}">`
}

function alertOf(error: string | undefined): Html | string {
  return error === undefined ? '' : html`<p class="error" id="error" role="alert">${error}</p>`
}

function page(title: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Signalbox</title>
<link rel="icon" href="${icon}">
<style>${raw(style)}</style>
</head>
<body>
<main>
<p class="brand"><img src="${icon}" alt="">Signalbox</p>
${content}
</main>
</body>
</html>
`
}
