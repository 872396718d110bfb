import { type Endpoint, endpoint } from '../endpoint.ts'
import { DOCS_CSS } from './css.ts'
import { DOCS_HTML } from './html.ts'
import { DOCS_SCRIPT } from './script.ts'

/** Nothing but what this page is made of, and the API it asks. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const PARTS = [
  ['/docs', 'text/html; charset=utf-8', DOCS_HTML, 'getDocs', 'This document, for people.'],
  ['/docs/page.css', 'text/css; charset=utf-8', DOCS_CSS, 'getDocsStyle', 'How /docs looks.'],
  [
    '/docs/page.js',
    'text/javascript; charset=utf-8',
    DOCS_SCRIPT,
    'getDocsScript',
    'What it does.',
  ],
] as const

/** A page that shows the document of the API, and asks what can be asked. */
export function docsEndpoints(): readonly Endpoint[] {
  return PARTS.map(([path, contentType, text, operation, summary]) =>
    endpoint({
      method: 'get',
      path,
      operation,
      tag: 'System',
      summary,
      needs: 'open',
      contentType,
      handle: ({ context }) =>
        context.body(text, 200, {
          'content-type': contentType,
          'content-security-policy': POLICY,
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-cache',
        }),
    }),
  )
}
