/** What the page does: it reads the document and shows it. All text goes in as text. */
export const DOCS_SCRIPT = `const methods = ['get', 'post', 'put', 'patch', 'delete']
const at = (id) => document.getElementById(id)

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children.filter((child) => child !== undefined))
  return element
}

const answer = await fetch('/openapi.json')
const api = await answer.json()
const schemas = api.components?.schemas ?? {}

/** A schema in few words, as TypeScript would say it. */
function words(schema, indent = '', seen = []) {
  if (schema === undefined) return 'unknown'
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)
    return seen.includes(name) || name === 'Json' ? name : words(schemas[name], indent, [...seen, name])
  }
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return choices.map((one) => words(one, indent, seen)).join(' | ')
  if (schema.type === 'array') return words(schema.items, indent, seen) + '[]'
  if (schema.type !== 'object') return schema.type ?? 'unknown'
  const entries = Object.entries(schema.properties ?? {})
  const more = schema.additionalProperties
  if (entries.length === 0)
    return typeof more === 'object' ? '{ [name]: ' + words(more, indent, seen) + ' }' : '{}'
  const inner = indent + '  '
  const lines = entries.map(([name, one]) => {
    const optional = (schema.required ?? []).includes(name) ? '' : '?'
    const note = one.description === undefined ? '' : '  // ' + one.description
    return inner + name + optional + ': ' + words(one, inner, seen) + note
  })
  return ['{', ...lines, indent + '}'].join('\\n')
}

const quoted = (text) => "'" + text.replaceAll("'", "'\\\\''") + "'"

function curl(method, path, operation) {
  const parts = ['curl']
  if (method !== 'get') parts.push('-X ' + method.toUpperCase())
  if ((operation.security ?? []).length > 0) parts.push('-H "authorization: Bearer $TOKEN"')
  const types = Object.keys(operation.requestBody?.content ?? {})
  if (types.length > 0) parts.push('-H ' + quoted('content-type: ' + types[0]), '-d @body')
  return [...parts, quoted(location.origin + path)].join(' ')
}

function parametersOf(operation, inputs) {
  const rows = (operation.parameters ?? []).map((one) => {
    const input = make('input', { 'aria-label': one.name })
    inputs.set(one, input)
    return make('tr', {},
      make('td', {}, make('code', {}, one.name), one.required ? ' *' : ''),
      make('td', {}, one.in),
      make('td', {}, make('code', {}, words(one.schema))),
      make('td', {}, one.description ?? ''),
      make('td', {}, input))
  })
  if (rows.length === 0) return []
  const head = ['Name', 'In', 'Type', 'What it is', 'Value'].map((text) => make('th', { scope: 'col' }, text))
  return [make('h3', {}, 'Parameters'), make('div', { class: 'scroll' },
    make('table', {}, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows)))]
}

function contentOf(title, content) {
  return Object.entries(content ?? {}).flatMap(([type, { schema }]) => [
    make('h3', {}, title + ' '), make('code', {}, type), make('pre', { tabindex: '0' }, words(schema)),
  ])
}

/** Where a request of these values goes. */
function addressOf(path, inputs) {
  const query = new URLSearchParams()
  let address = path
  for (const [{ name, in: place }, { value }] of inputs) {
    if (place === 'path') address = address.replace('{' + name + '}', encodeURIComponent(value))
    else if (value !== '') query.set(name, value)
  }
  return query.size === 0 ? address : address + '?' + query
}

function trial(path, inputs) {
  const result = make('pre', { hidden: '', tabindex: '0', 'aria-live': 'polite' })
  const button = make('button', { type: 'button' }, 'Try it')
  button.addEventListener('click', async () => {
    result.hidden = false
    result.textContent = '…'
    const token = at('token').value
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), 10_000)
    try {
      const response = await fetch(addressOf(path, inputs), {
        signal: stop.signal,
        headers: token === '' ? {} : { authorization: 'Bearer ' + token },
      })
      const text = await response.text()
      let shown = text
      try { shown = JSON.stringify(JSON.parse(text), null, 2) } catch {}
      result.textContent = response.status + ' ' + response.statusText + '\\n\\n' + shown.slice(0, 100_000)
    } catch (error) {
      result.textContent = String(error)
    } finally {
      clearTimeout(timer)
    }
  })
  return [button, result]
}

function show(method, path, operation) {
  const inputs = new Map()
  const scopes = (operation.security ?? []).flatMap((one) => Object.values(one).flat())
  const responses = Object.entries(operation.responses).flatMap(([status, one]) =>
    status === 'default' ? [] : contentOf('Answer ' + status, one.content))
  const inside = make('div', { class: 'inside' },
    make('p', { class: 'needs' }, scopes.length === 0 ? 'Open to all.' : 'Needs ' + scopes.join(', ') + '.'),
    operation.description === undefined ? undefined : make('p', {}, operation.description),
    ...parametersOf(operation, inputs),
    ...contentOf('Body', operation.requestBody?.content),
    ...responses,
    make('h3', {}, 'curl'), make('pre', { tabindex: '0' }, curl(method, path, operation)),
    ...(method === 'get' ? trial(path, inputs) : []))
  const details = make('details', { class: 'operation', id: operation.operationId },
    make('summary', {}, make('span', { class: 'method ' + method }, method), make('code', {}, path),
      make('span', { class: 'what' }, operation.summary)), inside)
  details.dataset.text = [method, path, operation.summary, operation.operationId].join(' ').toLowerCase()
  return details
}

const byTag = new Map()
for (const [path, item] of Object.entries(api.paths))
  for (const method of methods) {
    const operation = item[method]
    if (operation === undefined) continue
    const tag = operation.tags?.[0] ?? 'Other'
    byTag.set(tag, [...(byTag.get(tag) ?? []), show(method, path, operation)])
  }

const sections = [...byTag].map(([tag, all]) => {
  const id = 'tag-' + tag.toLowerCase().replaceAll(' ', '-')
  at('tags').append(make('a', { href: '#' + id }, tag))
  return make('section', {}, make('h2', { id }, tag), ...all)
})
at('operations').replaceChildren(...sections)
at('about').replaceChildren(api.info.description + ' ', make('a', { href: '/openapi.json' }, 'openapi.json'))
at('tools').addEventListener('submit', (event) => event.preventDefault())
at('find').addEventListener('input', ({ target }) => {
  const wanted = target.value.toLowerCase().split(/\\s+/)
  for (const section of sections) {
    let any = false
    for (const one of section.querySelectorAll('details')) {
      one.hidden = !wanted.every((word) => one.dataset.text.includes(word))
      any ||= !one.hidden
    }
    section.hidden = !any
  }
})

const named = location.hash === '' ? null : at(decodeURIComponent(location.hash.slice(1)))
if (named instanceof HTMLDetailsElement) named.open = true
named?.scrollIntoView()
`
