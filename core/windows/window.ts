import type { Json } from '../model/json.ts'
import type { Pane, Sample, WindowMessage, WindowState } from '../model/window.ts'
import { type Aggregate, addValue, EMPTY_AGGREGATE, mergeStates, resultOf } from './aggregates.ts'

/** How a rule cuts the stream. All lengths are in ms of event time. */
export type WindowShape =
  | { readonly kind: 'tumbling'; readonly sizeMs: number }
  | { readonly kind: 'hopping'; readonly sizeMs: number; readonly hopMs: number }
  | { readonly kind: 'sliding'; readonly sizeMs: number }
  | { readonly kind: 'session'; readonly gapMs: number; readonly maxMs: number }

/** The windows of one rule. */
export interface WindowPlan {
  readonly shape: WindowShape
  readonly aggregates: readonly Aggregate[]
  /** How long a window waits for late data. Unit: ms of event time. */
  readonly latenessMs: number
  /** Windows open at once, over all groups. */
  readonly maxPanes: number
  /** Messages inside one sliding window. */
  readonly maxSamples: number
  /**
   * Names how windows are cut and what is gathered in them: those of another plan, from before the rule was changed, are
   * of no use. Windows that have none are taken for ours.
   */
  readonly of?: string
}

/** What one window came to. */
export interface WindowResult {
  readonly group: readonly Json[]
  /** Event time, epoch ms. */
  readonly start: number
  readonly end: number
  /** For each aggregate. */
  readonly results: readonly (Json | undefined)[]
  /** True for what is inside a sliding window once a message has come in. */
  readonly entered?: boolean
}

export interface WindowChange {
  readonly state: WindowState
  /** Windows that closed, in the order of their ends; for a sliding window what is inside after each change. */
  readonly closed: readonly WindowResult[]
}

const START: WindowState = {
  newestAt: 0,
  closedThrough: 0,
  topic: '',
  panes: [],
  late: 0,
  dropped: 0,
}

/**
 * Takes one message in.
 *
 * Event time decides: a window closes when a message shows that event time has passed its end (plus the lateness), or
 * when our clock says that this must be so although no message came. What comes for a closed window is late: it is
 * counted and changes nothing.
 */
export function addToWindows(
  before: WindowState | undefined,
  plan: WindowPlan,
  message: WindowMessage,
): WindowChange {
  const usable = before !== undefined && isOf(before, plan) ? before : START
  const state: WindowState =
    plan.of === undefined
      ? { ...usable, topic: message.topic }
      : { ...usable, topic: message.topic, of: plan.of }
  switch (plan.shape.kind) {
    case 'tumbling':
      return addToFixed(state, plan, message, plan.shape.sizeMs, plan.shape.sizeMs)
    case 'hopping':
      return addToFixed(state, plan, message, plan.shape.sizeMs, plan.shape.hopMs)
    case 'session':
      return addToSession(state, plan, message, plan.shape)
    case 'sliding':
      return addToSliding(state, plan, message, plan.shape.sizeMs)
  }
}

/** Whether windows were cut by this plan. */
export function isOf({ of }: WindowState, plan: WindowPlan): boolean {
  return of === undefined || plan.of === undefined || of === plan.of
}

/** Closes windows whose time is up by our clock. The same state comes back if there are none. */
export function closeDueWindows(state: WindowState, plan: WindowPlan, now: number): WindowChange {
  if (plan.shape.kind === 'sliding') return leaveByClock(state, plan, plan.shape.sizeMs, now)
  const due = state.panes.filter(({ dueAt }) => dueAt <= now)
  if (due.length === 0) return { state, closed: [] }
  const through = Math.max(state.closedThrough, ...due.map(({ end }) => end))
  return close({ ...state, closedThrough: through }, plan, (pane) => pane.dueAt <= now)
}

/** Epoch ms at which the first window closes by our clock; 0 if none is open. */
export function nextWindowDue(state: WindowState): number {
  return state.panes.reduce((due, pane) => (due === 0 ? pane.dueAt : Math.min(due, pane.dueAt)), 0)
}

/** Windows of equal length at equal distances, aligned to the epoch. */
function addToFixed(
  state: WindowState,
  plan: WindowPlan,
  message: WindowMessage,
  sizeMs: number,
  hopMs: number,
): WindowChange {
  const panes = [...state.panes]
  let { late, dropped } = state
  let taken = false
  let missed = false
  for (
    let start = Math.floor(message.at / hopMs) * hopMs;
    start > message.at - sizeMs;
    start -= hopMs
  ) {
    const end = start + sizeMs
    if (end <= state.closedThrough) {
      missed = true
      continue
    }
    const index = panes.findIndex(
      (pane) => pane.start === start && sameGroup(pane.group, message.group),
    )
    const pane = panes[index]
    if (pane !== undefined) panes[index] = extend(pane, plan, message, start, end)
    else if (panes.length < plan.maxPanes)
      panes.push(extend(emptyPane(plan, message, start, end), plan, message, start, end))
    else {
      dropped++
      continue
    }
    taken = true
  }
  if (missed && !taken) late++
  return closePassed(
    { ...state, panes, late, dropped, newestAt: Math.max(state.newestAt, message.at) },
    plan,
  )
}

/** A session goes on while the next message comes within the gap; a late one can join two into one. */
function addToSession(
  state: WindowState,
  plan: WindowPlan,
  message: WindowMessage,
  { gapMs, maxMs }: Extract<WindowShape, { kind: 'session' }>,
): WindowChange {
  if (message.at + gapMs <= state.closedThrough)
    return { state: { ...state, late: state.late + 1 }, closed: [] }
  const near = (pane: Pane): boolean =>
    sameGroup(pane.group, message.group) &&
    message.at < pane.end &&
    message.at > pane.start - gapMs &&
    Math.max(pane.lastAt, message.at) - Math.min(pane.start, message.at) < maxMs
  const joined = state.panes.filter(near)
  const others = state.panes.filter((pane) => !near(pane))
  if (joined.length === 0 && others.length >= plan.maxPanes) {
    return { state: { ...state, dropped: state.dropped + 1 }, closed: [] }
  }
  const base = joined.reduce(
    (a, b) => joinPanes(plan, a, b),
    emptyPane(plan, message, message.at, message.at + gapMs),
  )
  const lastAt = Math.max(base.lastAt, message.at)
  const pane = extend(base, plan, message, Math.min(base.start, message.at), lastAt + gapMs)
  return closePassed(
    { ...state, panes: [...others, pane], newestAt: Math.max(state.newestAt, message.at) },
    plan,
  )
}

/**
 * A message comes in: what is inside with it is told, everything not older than the size. What has left before it was
 * told then, as long as something stayed.
 *
 * Source: Azure Stream Analytics, sliding window: a result for each moment at which a message enters or leaves.
 */
function addToSliding(
  state: WindowState,
  plan: WindowPlan,
  message: WindowMessage,
  sizeMs: number,
): WindowChange {
  const newestAt = Math.max(state.newestAt, message.at)
  if (message.at <= newestAt - sizeMs - plan.latenessMs)
    return { state: { ...state, late: state.late + 1 }, closed: [] }
  const until = newestAt - plan.latenessMs
  const closed: WindowResult[] = []
  const others: Pane[] = []
  let own: Pane | undefined
  let { dropped } = state
  for (const pane of state.panes) {
    const isOwn = sameGroup(pane.group, message.group)
    // What leaves at the very moment at which the message comes in is told together with it.
    const departure = leave(pane, plan, sizeMs, until, isOwn ? message.at : undefined)
    closed.push(...departure.closed)
    dropped += departure.untold
    if (isOwn) own = departure.pane
    else if (departure.pane !== undefined) others.push(departure.pane)
  }
  if (own === undefined && others.length >= plan.maxPanes) {
    return { state: { ...state, newestAt, panes: others, dropped: dropped + 1 }, closed }
  }
  const sample: Sample = [message.at, message.values]
  const sorted = [...(own?.samples ?? []), sample].toSorted((a, b) => a[0] - b[0])
  const samples = sorted.slice(-plan.maxSamples)
  const lastAt = Math.max(own?.lastAt ?? message.at, message.at)
  const firstAt = samples[0]?.[0] ?? message.at
  const pane: Pane = {
    group: message.group,
    start: lastAt - sizeMs,
    end: lastAt,
    lastAt,
    dueAt: message.receivedAt + (firstAt + sizeMs - message.at) + plan.latenessMs,
    aggregates: [],
    samples,
  }
  closed.push({ ...insideAt(pane, plan, sizeMs, lastAt), entered: true })
  return {
    state: {
      ...state,
      newestAt,
      panes: [...others, pane],
      dropped: dropped + sorted.length - samples.length,
    },
    closed: closed.toSorted((a, b) => a.end - b.end),
  }
}

/** More departures than this are not told at once: of a window that nobody looked at for long the newest count. */
const MOST_DEPARTURES = 64

interface Departure {
  /** What stays; `undefined` if nothing does. */
  readonly pane: Pane | undefined
  /** What was inside after each moment at which messages left, if something was. */
  readonly closed: readonly WindowResult[]
  /** How many such moments were passed over. */
  readonly untold: number
}

/** Lets all leave that have been inside for longer than the size at `until`. Nothing is told of the moment `except`. */
function leave(
  pane: Pane,
  plan: WindowPlan,
  sizeMs: number,
  until: number,
  except: number | undefined,
): Departure {
  const samples = pane.samples ?? []
  const [first] = samples
  if (first === undefined || first[0] + sizeMs > until)
    return { pane: first === undefined ? undefined : pane, closed: [], untold: 0 }
  const moments = new Set<number>()
  for (const [index, [at]] of samples.entries()) {
    const moment = at + sizeMs
    // Of messages of one moment the last decides whether something stays.
    const next = samples[index + 1]
    const stays = next !== undefined && next[0] > at && next[0] <= moment
    if (stays && moment <= until && moment !== except) moments.add(moment)
  }
  const told = [...moments].slice(-MOST_DEPARTURES)
  const closed = told.map((moment) => insideAt(pane, plan, sizeMs, moment))
  const left = samples.filter(([at]) => at + sizeMs > until)
  const [next] = left
  return {
    pane:
      next === undefined
        ? undefined
        : { ...pane, samples: left, dueAt: pane.dueAt + (next[0] - first[0]) },
    closed,
    untold: moments.size - told.length,
  }
}

/** What leaves by our clock because no message comes. */
function leaveByClock(
  state: WindowState,
  plan: WindowPlan,
  sizeMs: number,
  now: number,
): WindowChange {
  if (state.panes.every(({ dueAt }) => dueAt > now)) return { state, closed: [] }
  const panes: Pane[] = []
  const closed: WindowResult[] = []
  let { dropped } = state
  for (const pane of state.panes) {
    const firstAt = pane.samples?.[0]?.[0] ?? pane.lastAt
    // The clock has gone on since the first message was due to leave, and event time with it.
    const until = firstAt + sizeMs + (now - pane.dueAt)
    const departure = leave(pane, plan, sizeMs, until, undefined)
    if (departure.pane !== undefined) panes.push(departure.pane)
    closed.push(...departure.closed)
    dropped += departure.untold
  }
  return {
    state: { ...state, panes, dropped },
    closed: closed.toSorted((a, b) => a.end - b.end),
  }
}

/** What a sliding window holds at one moment: that moment belongs to it, the one a size before does not. */
function insideAt(pane: Pane, plan: WindowPlan, sizeMs: number, end: number): WindowResult {
  const start = end - sizeMs
  const inside = (pane.samples ?? []).filter(([at]) => at > start && at <= end)
  const aggregates = plan.aggregates.map((aggregate, index) =>
    inside.reduce(
      (acc, [at, values]) => addValue(aggregate, acc, values[index], at),
      EMPTY_AGGREGATE,
    ),
  )
  return toResult(plan, { ...pane, start, end, aggregates })
}

function emptyPane(plan: WindowPlan, message: WindowMessage, start: number, end: number): Pane {
  const aggregates = plan.aggregates.map(() => EMPTY_AGGREGATE)
  return { group: message.group, start, end, lastAt: message.at, dueAt: 0, aggregates }
}

/** A window with one more message, and its new bounds. It is due when our clock has gone as far as event time must. */
function extend(
  pane: Pane,
  plan: WindowPlan,
  message: WindowMessage,
  start: number,
  end: number,
): Pane {
  const lastAt = Math.max(pane.lastAt, message.at)
  return {
    group: pane.group,
    start,
    end,
    lastAt,
    dueAt: message.receivedAt + (end - message.at) + plan.latenessMs,
    aggregates: pane.aggregates.map((state, index) => {
      const aggregate = plan.aggregates[index]
      return aggregate === undefined
        ? state
        : addValue(aggregate, state, message.values[index], message.at)
    }),
  }
}

function joinPanes(plan: WindowPlan, a: Pane, b: Pane): Pane {
  return {
    ...a,
    start: Math.min(a.start, b.start),
    end: Math.max(a.end, b.end),
    lastAt: Math.max(a.lastAt, b.lastAt),
    aggregates: plan.aggregates.map((aggregate, index) =>
      mergeStates(
        aggregate,
        a.aggregates[index] ?? EMPTY_AGGREGATE,
        b.aggregates[index] ?? EMPTY_AGGREGATE,
      ),
    ),
  }
}

function closePassed(state: WindowState, plan: WindowPlan): WindowChange {
  const watermark = state.newestAt - plan.latenessMs
  const passed = (pane: Pane): boolean => pane.end <= watermark
  const through = state.panes
    .filter(passed)
    .reduce((most, { end }) => Math.max(most, end), state.closedThrough)
  return close({ ...state, closedThrough: through }, plan, passed)
}

function close(
  state: WindowState,
  plan: WindowPlan,
  isClosed: (pane: Pane) => boolean,
): WindowChange {
  const closed = state.panes.filter(isClosed)
  if (closed.length === 0) return { state, closed: [] }
  const results = closed
    .toSorted((a, b) => a.end - b.end || a.start - b.start)
    .map((pane) => toResult(plan, pane))
  return {
    state: { ...state, panes: state.panes.filter((pane) => !isClosed(pane)) },
    closed: results,
  }
}

function toResult(plan: WindowPlan, { group, start, end, aggregates }: Pane): WindowResult {
  const results = plan.aggregates.map((aggregate, index) =>
    resultOf(aggregate, aggregates[index] ?? EMPTY_AGGREGATE),
  )
  return { group, start, end, results }
}

function sameGroup(a: readonly Json[], b: readonly Json[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      (value, index) => value === b[index] || JSON.stringify(value) === JSON.stringify(b[index]),
    )
  )
}
