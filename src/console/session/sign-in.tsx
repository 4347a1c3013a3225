import { type FormEvent, useEffect, useState } from 'react'
import { basePath } from '#console/lib/base-path.ts'
import { Brand } from '#console/shell/brand.tsx'
import { Button } from '#console/ui/button.tsx'
import { Field } from '#console/ui/field.tsx'
import { type Instance, SignInError, type SignInForm, signIn } from './session.ts'

export interface SignInProps {
  readonly instance: Instance
  /** Why the page is shown, when it is not the first time. */
  readonly notice?: string | undefined
  readonly onSignedIn: (accountId: string) => Promise<void>
  /** Goes back to the accounts that there are; undefined without one. */
  readonly onCancel?: (() => void) | undefined
}

/** Asks who is there: by password, at the identity provider, or by an application token. */
export function SignIn({ instance, notice, onSignedIn, onCancel }: SignInProps) {
  const [error, setError] = useState<SignInError | undefined>()
  const [isBusy, setBusy] = useState(false)

  async function submit(form: SignInForm) {
    setBusy(true)
    setError(undefined)
    try {
      await onSignedIn(await signIn(form))
    } catch (failure) {
      setError(failure instanceof SignInError ? failure : new SignInError('UNREACHABLE', 'The server does not answer.'))
      setBusy(false)
    }
  }
  useProviderReturn(submit)

  return (
    <main className="sign-in">
      <div className="sign-in-box">
        <Brand instance={instance} />
        <h1>Sign in</h1>
        {notice && <p className="soft">{notice}</p>}
        {error && (
          <p className="note error" role="alert">
            {error.message}
          </p>
        )}
        {instance.hasProvider && (
          <>
            <a className="button primary wide-button" href={providerUrl()}>
              Sign in at your identity provider
            </a>
            <p className="or">or by password</p>
          </>
        )}
        <PasswordForm isBusy={isBusy} needsAccount={error?.code === 'ACCOUNT_REQUIRED'} onSubmit={submit} />
        <p className="or">or by token</p>
        <TokenForm isBusy={isBusy} onSubmit={submit} />
        {onCancel && (
          <p>
            <button type="button" className="link" onClick={onCancel}>
              Back to the console
            </button>
          </p>
        )}
        <p className="soft small">
          The first start of the server printed the owner’s token.{' '}
          <a href={`${basePath}/docs/quickstart`}>Quickstart</a>
        </p>
      </div>
    </main>
  )
}

interface FormProps {
  readonly isBusy: boolean
  readonly onSubmit: (form: SignInForm) => Promise<void>
}

function PasswordForm({ isBusy, needsAccount, onSubmit }: FormProps & { readonly needsAccount: boolean }) {
  return (
    <form
      onSubmit={(event) => {
        const fields = fieldsOf(event)
        const account = fields.get('account')
        const who = { email: String(fields.get('email')), password: String(fields.get('password')) }
        void onSubmit(account ? { ...who, account: String(account) } : who)
      }}
    >
      <Field label="Email">
        {(id) => <input id={id} name="email" type="email" autoComplete="username" maxLength={254} required />}
      </Field>
      <Field label="Password">
        {(id) => (
          <input id={id} name="password" type="password" autoComplete="current-password" maxLength={512} required />
        )}
      </Field>
      {needsAccount && (
        <Field label="Account" hint="By name or id: your password is right in several.">
          {(id) => <input id={id} name="account" autoComplete="off" maxLength={200} required />}
        </Field>
      )}
      <Button primary wide isBusy={isBusy}>
        Sign in
      </Button>
    </form>
  )
}

function TokenForm({ isBusy, onSubmit }: FormProps) {
  return (
    <form onSubmit={(event) => void onSubmit({ token: String(fieldsOf(event).get('token')) })}>
      <Field label="Application token">
        {(id) => <input id={id} name="token" type="password" autoComplete="off" maxLength={4_096} required />}
      </Field>
      <Button wide isBusy={isBusy}>
        Sign in with token
      </Button>
    </form>
  )
}

function fieldsOf(event: FormEvent<HTMLFormElement>): FormData {
  event.preventDefault()
  return new FormData(event.currentTarget)
}

/** The provider sends people back to this page with a token behind the `#`, which no server sees. */
function providerUrl(): string {
  return `${basePath}/api/auth/login?${new URLSearchParams({ return_to: `${basePath}/sign-in` })}`
}

function useProviderReturn(submit: (form: SignInForm) => Promise<void>) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, with the address that the page was opened at
  useEffect(() => {
    const token = new URLSearchParams(location.hash.slice(1)).get('access_token')
    if (token === null) return
    history.replaceState(null, '', `${basePath}/`)
    void submit({ token })
  }, [])
}
