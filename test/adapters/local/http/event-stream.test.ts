import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { streamEvents } from '../../../../adapters/local/listeners/event-stream.ts'
import { createLiveFeed } from '../../../../adapters/local/live-feed.ts'

describe('a stream of /events', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('ends after a quarter of an hour, so that who has lost his right is not told on', () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()))
    const feed = createLiveFeed()
    streamEvents(response, feed, () => Promise.resolve({ devices: [] }))
    vi.advanceTimersByTime(899_000)
    expect(response.writableEnded).toBe(false)
    vi.advanceTimersByTime(2_000)
    expect(response.writableEnded).toBe(true)
    response.emit('close')
    expect(feed.listeners).toBe(0)
    feed.close()
  })
})
