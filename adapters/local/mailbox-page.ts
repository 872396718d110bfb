import { isJsonObject, type Json } from '../../core/index.ts'

/** Strict: no script at all, and the style from here. */
export const MAILBOX_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
}

/** The page of mails that would have been sent. Whatever stands in a mail is text. */
export function renderMailbox(mails: readonly Json[]): string {
  const list =
    mails.length === 0
      ? '<p class="none">No mail yet. Notifications of channels of type <code>email</code> come here as long as no <code>smtp</code> is configured.</p>'
      : mails.map(renderMail).join('\n')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mailbox – anyhub</title>
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/mailbox.css">
</head>
<body>
<header><h1>Mailbox</h1><p>What would have been sent: no mail server is configured. <a href="/">Devices</a></p></header>
<main>
${list}
</main>
</body>
</html>
`
}

function renderMail(mail: Json): string {
  const { at, to, subject, text } = isJsonObject(mail) ? mail : {}
  const whom = Array.isArray(to) ? to.join(', ') : ''
  return `<article>
<h2>${escaped(subject)}</h2>
<p class="facts"><span>to ${escaped(whom)}</span> <time>${escaped(at)}</time></p>
<pre>${escaped(text)}</pre>
</article>`
}

function escaped(value: Json | undefined): string {
  return String(value ?? '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
