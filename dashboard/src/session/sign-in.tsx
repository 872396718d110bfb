import { type FormEvent, useState } from 'react'
import { Modal } from '../ui/modal.tsx'
import { declineSignIn, signInWith, signInWithIssuer, useSession } from './session.ts'

/** Asks who is there: with the account of an issuer, or with a token. */
function SignInForm() {
  const { oidc, fault } = useSession()
  const [token, setToken] = useState('')
  const [busy, setBusy] = useState(false)
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    setBusy(true)
    if (!(await signInWith(token.trim()))) setToken('')
    setBusy(false)
  }
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      {oidc !== undefined && (
        <button type="button" className="button primary" onClick={() => void signInWithIssuer()}>
          Sign in with {new URL(oidc.issuer).host}
        </button>
      )}
      <div className="field">
        <label htmlFor="token">Admin's token or API key</label>
        <input
          id="token"
          className="input"
          type="password"
          required
          autoComplete="off"
          spellCheck={false}
          value={token}
          aria-invalid={fault !== ''}
          aria-describedby="token-fault"
          onChange={(event) => setToken(event.target.value)}
        />
        <p className="field-fault" id="token-fault" role="alert">
          {fault}
        </p>
      </div>
      <div className="dialog-foot">
        <button
          type="submit"
          className={oidc === undefined ? 'button primary' : 'button'}
          disabled={busy}
        >
          Sign in
        </button>
      </div>
    </form>
  )
}

const WHERE = (
  <>
    <code>anyhub start</code> prints a link that signs a browser in. The admin's token stands in the
    file <code>admin-token</code> of the data folder.
  </>
)

/** The whole page, where nothing can be seen without signing in. */
export function SignInGate() {
  return (
    <main className="gate">
      <section className="card" aria-labelledby="gate-title">
        <span className="brand">
          <img src="./icon.svg" width="22" height="22" alt="" /> anyhub
        </span>
        <h1 id="gate-title">Sign in to see the devices</h1>
        <p className="quiet">{WHERE}</p>
        <SignInForm />
      </section>
    </main>
  )
}

/** The form over the page, when a person wants to change something. */
export function SignInDialog() {
  const { asking } = useSession()
  return (
    <Modal open={asking} onClose={declineSignIn} title="Sign in to change something" text={WHERE}>
      <SignInForm />
    </Modal>
  )
}
