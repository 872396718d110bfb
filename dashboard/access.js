import { setText } from './format.js'

// The token is kept for this tab only, and travels in a header: addresses end up in logs.

const KEY = 'anyhub-token'

/** @type {Promise<void> | undefined} */
let asking

/** @returns {Record<string, string>} */
function proof() {
  const token = sessionStorage.getItem(KEY)
  return token === null ? {} : { authorization: `Bearer ${token}` }
}

/**
 * Asks the cloud something, with the admin's token where one was given; where one is needed it asks the person first.
 *
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>}
 */
export async function ask(path, init = {}) {
  for (;;) {
    const sent = proof()
    const answer = await fetch(path, { ...init, headers: { ...init.headers, ...sent } })
    if (answer.status !== 401) return answer
    // Whoever asked at the same time with the same token waits for the same person.
    if (sent['authorization'] === proof()['authorization']) {
      asking ??= askPerson(sent['authorization'] !== undefined)
      await asking
    }
  }
}

/**
 * Shows the form until a token is given.
 *
 * @param {boolean} wasWrong
 * @returns {Promise<void>}
 */
function askPerson(wasWrong) {
  const form = /** @type {HTMLFormElement} */ (document.getElementById('access'))
  const input = /** @type {HTMLInputElement} */ (document.getElementById('token'))
  setText(
    document.getElementById('access-fault'),
    wasWrong ? 'This cloud does not know that token.' : '',
  )
  document.body.dataset['access'] = 'needed'
  form.hidden = false
  input.focus()
  return new Promise((resolve) => {
    form.addEventListener(
      'submit',
      (event) => {
        event.preventDefault()
        sessionStorage.setItem(KEY, input.value.trim())
        input.value = ''
        form.hidden = true
        delete document.body.dataset['access']
        asking = undefined
        resolve()
      },
      { once: true },
    )
  })
}
