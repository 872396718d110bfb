import type { HttpRequest, HttpResponseInit } from '@azure/functions'

// In: HTTP trigger -> web Request

/** A request as the host hands it over, as far as we read it. */
export type AzureHttpRequest = Pick<HttpRequest, 'method' | 'url' | 'headers' | 'arrayBuffer'>

export async function toRequest(incoming: AzureHttpRequest): Promise<Request> {
  const { method, url } = incoming
  const headers = new Headers()
  for (const [name, value] of incoming.headers) headers.append(name, value)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(url, {
    method,
    headers,
    ...(hasBody ? { body: await incoming.arrayBuffer() } : {}),
  })
}

// Out: web Response -> HTTP trigger

export async function toHttpReply(response: Response): Promise<HttpResponseInit> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  }
}
